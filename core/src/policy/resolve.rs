//! A specification checked against its table, with everything filled in that was left out.

use super::checks::{
    check_heirs, check_id_column, check_options, check_soft_delete, check_table, need_column,
};
use super::facts::TableFacts;
use super::names::quote_name;
use super::refusal::{Refusal, RefusalKind};
use super::specification::{ByCommand, Command, Specification, Template};
use super::via::Via;

/// A specification that holds for a table.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) template: Template,
    /// Whose the row is: a column with a user's id.
    pub(crate) owner_column: Option<String>,
    /// Which organization's the row is.
    pub(crate) org_column: Option<String>,
    /// The one organization whose role or permission is asked for.
    pub(crate) organization: Option<String>,
    pub(crate) roles: ByCommand,
    pub(crate) permissions: ByCommand,
    pub(crate) via: Option<Via>,
    pub(crate) commands: Vec<Command>,
    /// Roles of the database; `public` is all.
    pub(crate) to_roles: Vec<String>,
    /// Who may read, where that is more than `to_roles`.
    pub(crate) read_to_roles: Vec<String>,
    pub(crate) soft_delete: Option<String>,
    /// The specification with all of this in it.
    pub(crate) specification: Specification,
}

impl Resolved {
    /// The column of who wrote a row, where the row is somebody else's: a tenant's or a parent's.
    pub(crate) fn author(&self) -> Option<&String> {
        use Template as T;
        match self.template {
            T::Organization | T::Member | T::Role | T::Permission | T::Inherit | T::Custom => {
                self.owner_column.as_ref()
            }
            _ => None,
        }
    }
}

/// Checks the specification and fills it in.
pub(crate) fn resolve(
    specification: &Specification,
    table: &TableFacts,
) -> Result<Resolved, Refusal> {
    check_table(table)?;
    check_heirs(table)?;
    let template = Template::parse(&specification.template)?;
    check_options(specification, template)?;
    let (owner_column, org_column) = columns(specification, template, table)?;
    let commands = commands(specification, template, owner_column.is_some())?;
    let (to_roles, read_to_roles) = to_roles(specification, template, table)?;
    let via = specification.via.as_deref().map(Via::parse).transpose()?;
    for column in via.iter().flat_map(|via| &via.columns) {
        need_column(table, column)?;
    }
    for column in specification.immutable.iter().flatten() {
        need_column(table, column)?;
    }
    if let Some(column) = &specification.soft_delete {
        check_soft_delete(table, column)?;
    }
    let mut filled = specification.clone();
    filled.owner_column = owner_column.clone();
    filled.org_column = org_column.clone();
    filled.commands = Some(
        commands
            .iter()
            .map(|command| command.as_str().to_owned())
            .collect(),
    );
    filled.to_roles = Some(to_roles.clone());
    filled.read_to_roles = (read_to_roles != to_roles).then(|| read_to_roles.clone());
    filled.prefix = Some(specification.prefix().to_owned());
    filled.via = via.as_ref().map(Via::to_string);
    if template == Template::Reverified && filled.reverification.is_none() {
        filled.reverification = Some("strict".to_owned());
    }
    Ok(Resolved {
        template,
        owner_column,
        org_column,
        organization: specification.organization.clone(),
        roles: ByCommand::parse("roles", specification.roles.as_ref())?,
        permissions: ByCommand::parse("permissions", specification.permissions.as_ref())?,
        via,
        commands,
        to_roles,
        read_to_roles,
        soft_delete: specification.soft_delete.clone(),
        specification: filled,
    })
}

/// The columns of user and organization: those named, else `user_id` and `org_id` where the template
/// is about them.
fn columns(
    specification: &Specification,
    template: Template,
    table: &TableFacts,
) -> Result<(Option<String>, Option<String>), Refusal> {
    use Template as T;
    let default_of =
        |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
    let known = |given: &Option<String>, default: &str| {
        given
            .clone()
            .or_else(|| table.column(default).map(|column| column.name.clone()))
    };
    let owner = &specification.owner_column;
    let org = &specification.org_column;
    let (owner, org) = match template {
        T::Owner => (Some(default_of(owner, "user_id")), org.clone()),
        T::Organization | T::Member => (owner.clone(), Some(default_of(org, "org_id"))),
        T::Role | T::Permission if specification.organization.is_some() => {
            (owner.clone(), org.clone())
        }
        T::Role | T::Permission => {
            let org = known(org, "org_id").ok_or_else(|| {
                Refusal::new(
                    RefusalKind::Option,
                    format_args!("template {template} needs to know the organization"),
                )
                .detail(format_args!(
                    "{} has no column org_id. A role counts in the active organization, and anybody \
                     can be the admin of one of their own.",
                    table.quoted()
                ))
                .hint(
                    "Name the rows' organization with org_column => '...', or the one whose members \
                     may pass with organization => 'org_...'.",
                )
            })?;
            (owner.clone(), Some(org))
        }
        T::Reverified if owner.is_none() && org.is_none() => {
            let owner = known(owner, "user_id");
            let org = if owner.is_none() {
                Some(default_of(org, "org_id"))
            } else {
                None
            };
            (owner, org)
        }
        T::PublicRead => (known(owner, "user_id"), org.clone()),
        T::PublicProfile | T::PrivateProfile => {
            let default = if table.column("user_id").is_some() {
                "user_id"
            } else {
                "id"
            };
            (Some(default_of(owner, default)), org.clone())
        }
        T::Reverified | T::Plan | T::Feature | T::Service | T::Inherit | T::Custom => {
            (owner.clone(), org.clone())
        }
    };
    for (option, column) in [("owner_column", &owner), ("org_column", &org)] {
        if let Some(column) = column {
            check_id_column(table, option, column)?;
        }
    }
    Ok((owner, org))
}

/// The commands asked for, or those of the template.
fn commands(
    specification: &Specification,
    template: Template,
    has_owner: bool,
) -> Result<Vec<Command>, Refusal> {
    use Command as C;
    use Template as T;
    if let Some(list) = &specification.commands {
        let commands = C::parse_list(list)?;
        if template == T::PublicRead && !has_owner && commands != [C::Select] {
            return Err(Refusal::option(
                "commands",
                "public_read writes by the owner, and there is no column of the owner.",
            )
            .hint("Name it with owner_column => '...'."));
        }
        return Ok(commands);
    }
    let is_restrictive = specification.restrictive == Some(true);
    let mut commands = match template {
        T::Plan | T::Feature if !is_restrictive => vec![C::Select],
        T::PublicRead if !has_owner => vec![C::Select],
        T::PublicProfile | T::PrivateProfile => vec![C::Select, C::Insert, C::Update],
        _ => C::ALL.to_vec(),
    };
    if specification.soft_delete.is_some() {
        commands.retain(|command| *command != C::Delete);
    }
    Ok(commands)
}

/// The roles of the policies, and those of the policy that reads.
fn to_roles(
    specification: &Specification,
    template: Template,
    table: &TableFacts,
) -> Result<(Vec<String>, Vec<String>), Refusal> {
    let exists = |role: &str| table.has_role(role);
    let is_public = matches!(template, Template::PublicRead | Template::PublicProfile);
    let (writers, readers) = match &specification.to_roles {
        Some(roles) => (check_roles("to_roles", roles, table)?, None),
        None if template == Template::Service => {
            if !exists("service_role") {
                return Err(
                    Refusal::new(RefusalKind::Option, "template service needs to_roles")
                        .hint("Name the role that may see every row: to_roles => '{...}'."),
                );
            }
            (vec!["service_role".to_owned()], None)
        }
        None if !exists("authenticated") => (vec!["public".to_owned()], None),
        None if is_public && exists("anon") => (
            vec!["authenticated".to_owned()],
            Some(vec!["anon".to_owned(), "authenticated".to_owned()]),
        ),
        None => (vec!["authenticated".to_owned()], None),
    };
    let readers = match &specification.read_to_roles {
        Some(roles) => check_roles("read_to_roles", roles, table)?,
        None => readers.unwrap_or_else(|| writers.clone()),
    };
    let is_open = |role: &String| ["public", "anon", "authenticated"].contains(&role.as_str());
    if template == Template::Service && writers.iter().chain(&readers).any(is_open) {
        return Err(
            Refusal::option("to_roles", "A service role sees every row of everybody.")
                .hint("Name a role that no client can become."),
        );
    }
    Ok((writers, readers))
}

/// The roles, once each, all of which must exist.
fn check_roles(option: &str, roles: &[String], table: &TableFacts) -> Result<Vec<String>, Refusal> {
    let mut named: Vec<String> = Vec::new();
    for role in roles {
        if !table.has_role(role) {
            return Err(Refusal::new(
                RefusalKind::MissingRole,
                format_args!("role {} does not exist", quote_name(role)),
            ));
        }
        if !named.contains(role) {
            named.push(role.clone());
        }
    }
    if named.is_empty() {
        return Err(Refusal::option(option, "The list is empty."));
    }
    Ok(named)
}

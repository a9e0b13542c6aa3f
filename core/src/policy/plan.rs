//! What a table should have, by its specification.

use super::condition::{Writer, follows_known_policies};
use super::facts::TableFacts;
use super::names::{join_name, quote_name, quote_qualified};
use super::refusal::{Refusal, RefusalKind};
use super::resolve::{Resolved, resolve};
use super::specification::{Command, Specification, Template};
use super::via::Via;

/// Everything that one specification asks of its table.
#[derive(Clone, Debug)]
pub struct Plan {
    /// With all that was left out filled in.
    pub specification: Specification,
    /// In the order of [`Command::ALL`].
    pub policies: Vec<Policy>,
    /// Triggers for what policies cannot say.
    pub guards: Vec<Guard>,
    /// Columns that an index should begin with.
    pub indexed: Vec<Vec<String>>,
    /// Columns and the function that fills them.
    pub defaults: Vec<(String, String)>,
    /// Privileges asked for.
    pub grants: Vec<Grant>,
    /// What the caller should know.
    pub notices: Vec<String>,
    /// Whether it writes by what a parent lets people read, since nobody knows who may change the parent.
    pub writes_by_reading: bool,
    /// Whether policies hold something that people wrote, whose names are looked up as they meant them.
    pub has_predicates: bool,
    /// Whether some of that stands in the policies of a parent.
    pub inherits_predicates: bool,
}

/// One policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its command.
    pub command: Command,
    /// Permissive or restrictive.
    pub permissive: bool,
    /// Its roles; `public` for all.
    pub roles: Vec<String>,
    /// The condition on rows that are there, as SQL.
    pub using: Option<String>,
    /// The condition on rows that are written, as SQL.
    pub check: Option<String>,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// What it guards against.
    pub kind: GuardKind,
    /// The column that it looks at.
    pub column: String,
}

/// What a trigger is for: a policy cannot compare a row with what it was.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum GuardKind {
    /// An UPDATE leaves the column as it is.
    Immutable,
    /// Whatever time a deletion is given, it is now.
    SoftDelete,
}

/// Privileges for a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who gets it; `public` for all.
    pub role: String,
    /// `SELECT`..., or `USAGE` of the sequences behind its columns.
    pub privilege: String,
}

/// The tables that a specification may speak of.
pub(crate) struct Catalog<'a> {
    parents: &'a [TableFacts],
}

impl Catalog<'_> {
    /// The table that a `via` names, with its schema.
    pub(crate) fn parent(&self, via: &Via) -> Result<&TableFacts, Refusal> {
        let schema = via.schema.as_deref().unwrap_or_default();
        let found = self
            .parents
            .iter()
            .find(|table| table.is(schema, &via.table));
        found.ok_or_else(|| {
            let name = match &via.schema {
                Some(schema) => quote_qualified(schema, &via.table),
                None => quote_name(&via.table),
            };
            Refusal::new(
                RefusalKind::MissingTable,
                format_args!("table {name} does not exist"),
            )
        })
    }
}

impl Plan {
    /// Whether the column gets its default from this plan.
    pub(crate) fn fills(&self, column: &str) -> bool {
        self.defaults.iter().any(|(filled, _)| filled == column)
    }

    /// Whether the plan asks for the privilege.
    pub(crate) fn grants_to(&self, role: &str, privilege: &str) -> bool {
        self.grants
            .iter()
            .any(|grant| grant.role == role && grant.privilege == privilege)
    }
}

impl GuardKind {
    /// The trigger function in schema `clerk`.
    pub fn function(self) -> &'static str {
        match self {
            Self::Immutable => "_refuse_change",
            Self::SoftDelete => "_stamp_deletion",
        }
    }

    /// What the trigger's name begins with.
    pub(crate) fn name_prefix(self) -> &'static str {
        match self {
            Self::Immutable => "clerk_keep",
            Self::SoftDelete => "clerk_stamp",
        }
    }
}

/// Says what the specification asks of the table.
///
/// `parents` are the tables that it or its parents follow by `via`, whose schema is written there.
///
/// # Errors
/// Where the specification does not hold for the table, or would not protect it.
pub fn plan(
    specification: &Specification,
    table: &TableFacts,
    parents: &[TableFacts],
) -> Result<Plan, Refusal> {
    let catalog = Catalog { parents };
    let specification = &follow_parent(specification, &catalog);
    let resolved = resolve(specification, table)?;
    if let Some(via) = &resolved.via {
        refuse_circle(via, table, &catalog)?;
    }
    let writer = Writer {
        table,
        catalog: &catalog,
        resolved: &resolved,
    };
    let mut policies = Vec::new();
    for &command in &resolved.commands {
        let conditions = writer.conditions(command)?;
        let reads = command == Command::Select;
        policies.push(Policy {
            name: join_name(specification.prefix(), command.as_str()),
            command,
            permissive: specification.restrictive != Some(true),
            roles: if reads {
                &resolved.read_to_roles
            } else {
                &resolved.to_roles
            }
            .clone(),
            using: conditions.using,
            check: conditions.check,
        });
    }
    if specification.indexes.as_deref() == Some("concurrently") && table.kind == 'p' {
        return Err(Refusal::new(
            RefusalKind::Unsupported,
            "an index of a partitioned table cannot be created concurrently",
        )
        .hint("Create it on each partition by hand, and give indexes => 'none'."));
    }
    let inherits_predicates = resolved.via.is_some()
        && resolved.commands != [Command::Select]
        && parents
            .iter()
            .flat_map(TableFacts::made_sets)
            .any(|set| set.specification.has_predicate());
    Ok(Plan {
        guards: guards(&resolved, &catalog)?,
        indexed: indexed(&resolved),
        defaults: defaults(&resolved, table),
        grants: grants(&policies, specification, table),
        notices: notices(&resolved, table, &catalog)?,
        writes_by_reading: match &resolved.via {
            Some(via) => {
                resolved.commands != [Command::Select]
                    && !follows_known_policies(catalog.parent(via)?)
            }
            None => false,
        },
        has_predicates: resolved.specification.has_predicate() || inherits_predicates,
        inherits_predicates,
        policies,
        specification: resolved.specification,
    })
}

/// What a child takes over where nothing is said: the roles that its parent is for, and no right to write
/// where nobody knows who may change the parent.
fn follow_parent(specification: &Specification, catalog: &Catalog<'_>) -> Specification {
    let mut specification = specification.clone();
    // What is wrong with the parent is said where it is needed.
    let via = specification.via.as_deref().map(Via::parse);
    let Some(Ok(parent)) = via.and_then(Result::ok).map(|via| catalog.parent(&via)) else {
        return specification;
    };
    if specification.commands.is_none() && !follows_known_policies(parent) {
        specification.commands = Some(vec![Command::Select.as_str().to_owned()]);
    }
    if specification.to_roles.is_none() {
        let (mut writers, mut readers) = (Vec::new(), Vec::new());
        for set in permissive_sets(parent) {
            for role in set.to_roles.iter().flatten() {
                push_new(&mut writers, role);
            }
            for role in set.read_to_roles.iter().chain(&set.to_roles).flatten() {
                push_new(&mut readers, role);
            }
        }
        if specification.read_to_roles.is_none() && readers != writers {
            specification.read_to_roles = Some(readers);
        }
        specification.to_roles = (!writers.is_empty()).then_some(writers);
    }
    specification
}

/// What opens the table to people, by what was made here.
fn permissive_sets(table: &TableFacts) -> impl Iterator<Item = Specification> {
    let sets = table.made_sets().into_iter().map(|set| set.specification);
    sets.filter(|set| {
        set.restrictive != Some(true) && set.template != Template::Service.to_string()
    })
}

fn push_new(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

/// Tables that follow each other in a circle would be asked for ever.
fn refuse_circle(via: &Via, table: &TableFacts, catalog: &Catalog<'_>) -> Result<(), Refusal> {
    let mut ahead = vec![via.clone()];
    let mut seen: Vec<(&str, &str)> = Vec::new();
    while let Some(via) = ahead.pop() {
        let parent = catalog.parent(&via)?;
        if parent.is(&table.schema, &table.name) {
            return Err(Refusal::option(
                "via",
                "The tables follow each other in a circle.",
            ));
        }
        if !seen.contains(&(&parent.schema, &parent.name)) {
            seen.push((&parent.schema, &parent.name));
            let sets = parent.made_sets().into_iter();
            let vias = sets.filter_map(|set| set.specification.via);
            ahead.extend(vias.filter_map(|via| Via::parse(&via).ok()));
        }
    }
    Ok(())
}

/// Columns that an UPDATE must leave alone, where policies would let it move a row: the author beside
/// the tenant, and the tenant where a person has several.
fn guards(resolved: &Resolved, catalog: &Catalog<'_>) -> Result<Vec<Guard>, Refusal> {
    let columns: Vec<String> = match &resolved.specification.immutable {
        Some(columns) => columns.clone(),
        None if !resolved.commands.contains(&Command::Update) => Vec::new(),
        None => {
            let mut columns: Vec<_> = resolved.author().into_iter().cloned().collect();
            match (resolved.template, &resolved.via) {
                (Template::Member, _) => columns.extend(resolved.org_column.clone()),
                (Template::Inherit, Some(via)) if spans_tenants(catalog.parent(via)?) => {
                    columns.extend(via.columns.iter().cloned());
                }
                _ => {}
            }
            columns
        }
    };
    let mut guards = Vec::new();
    for column in columns {
        let guard = Guard {
            kind: GuardKind::Immutable,
            column,
        };
        if !guards.contains(&guard) {
            guards.push(guard);
        }
    }
    if let Some(column) = &resolved.soft_delete {
        guards.push(Guard {
            kind: GuardKind::SoftDelete,
            column: column.clone(),
        });
    }
    Ok(guards)
}

/// Whether one person may see rows of several tenants in the table.
fn spans_tenants(parent: &TableFacts) -> bool {
    let is_of_one_tenant = |set: &Specification| {
        let templates = [
            "owner",
            "organization",
            "role",
            "permission",
            "private_profile",
        ];
        templates.contains(&set.template.as_str())
            && set.or_where.is_none()
            && set.organization.is_none()
    };
    let sets: Vec<_> = permissive_sets(parent).collect();
    !follows_known_policies(parent) || sets.len() > 1 || !sets.iter().all(is_of_one_tenant)
}

fn indexed(resolved: &Resolved) -> Vec<Vec<String>> {
    if resolved.specification.indexes.as_deref() == Some("none") {
        return Vec::new();
    }
    let owner = || {
        resolved
            .owner_column
            .iter()
            .map(|column| vec![column.clone()])
    };
    let organization = || {
        resolved
            .org_column
            .iter()
            .map(|column| vec![column.clone()])
    };
    match resolved.template {
        Template::Organization | Template::Member | Template::Role | Template::Permission => {
            organization().collect()
        }
        Template::Inherit => resolved.via.iter().map(|via| via.columns.clone()).collect(),
        Template::Service | Template::Custom => Vec::new(),
        _ => owner().chain(organization()).collect(),
    }
}

/// Columns that the session can fill.
fn defaults(resolved: &Resolved, table: &TableFacts) -> Vec<(String, String)> {
    let inserts = resolved.commands.contains(&Command::Insert);
    if resolved.specification.set_defaults == Some(false) || !inserts {
        return Vec::new();
    }
    let of = |column: &Option<String>, function: &str| {
        let function = format!(
            "{}.{}()",
            quote_name(&table.function_schema),
            quote_name(function)
        );
        column.as_ref().map(|column| (column.clone(), function))
    };
    of(&resolved.owner_column, "clerk_user_id")
        .into_iter()
        .chain(of(&resolved.org_column, "clerk_org_id"))
        .collect()
}

fn grants(policies: &[Policy], specification: &Specification, table: &TableFacts) -> Vec<Grant> {
    if specification.grants != Some(true) {
        return Vec::new();
    }
    let mut grants = Vec::new();
    for policy in policies {
        let has_sequence = table.columns.iter().any(|column| column.sequence.is_some());
        let usage = (policy.command == Command::Insert && has_sequence).then_some("USAGE");
        for role in &policy.roles {
            let privilege = policy.command.as_str().to_ascii_uppercase();
            for privilege in [Some(privilege.as_str()), usage].into_iter().flatten() {
                grants.push(Grant {
                    role: role.clone(),
                    privilege: privilege.to_owned(),
                });
            }
        }
    }
    grants
}

fn notices(
    resolved: &Resolved,
    table: &TableFacts,
    catalog: &Catalog<'_>,
) -> Result<Vec<String>, Refusal> {
    let mut notices = Vec::new();
    if resolved.specification.restrictive == Some(true) {
        notices.push(
            "restrictive policies only narrow what permissive ones allow; alone they let nobody in"
                .to_owned(),
        );
    }
    if let Some(via) = &resolved.via {
        let parent = catalog.parent(via)?;
        if !table.references(parent, via) {
            notices.push(format!(
                "no validated foreign key of {} references {}: whoever may insert a missing row there is given the \
                 rows here that name it",
                table.quoted(),
                parent.quoted()
            ));
        }
        if !follows_known_policies(parent) {
            notices.push(format!(
                "policies of {} were not made here: {}",
                parent.quoted(),
                if resolved.commands == [Command::Select] {
                    "only reading follows them; name commands to let whoever reads a row write its children"
                } else {
                    "whoever may read a row there may write its children"
                }
            ));
        }
    }
    Ok(notices)
}

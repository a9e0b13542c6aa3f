//! The tables that mirror Clerk's objects: a whole batch of one kind a statement.

use clerk_core::resource::Kind;
use pgrx::prelude::*;

use super::statement::Statement;

macro_rules! statement {
    ($file:literal) => {
        Statement::new(
            include_str!(concat!("../../sql/statements/", $file, ".sql")),
            &[PgBuiltInOids::TEXTOID],
        )
    };
}

thread_local! {
    /// In the order of [`Kind::ALL`].
    static APPLY: [Statement; 9] = const { [
        statement!("apply_users"),
        statement!("apply_organizations"),
        statement!("apply_organization_memberships"),
        statement!("apply_organization_invitations"),
        statement!("apply_organization_domains"),
        statement!("apply_roles"),
        statement!("apply_permissions"),
        statement!("apply_sessions"),
        statement!("apply_subscriptions"),
    ] };
    static BURY_USERS: Statement = const { statement!("bury_users") };
    static BURY_ORGANIZATIONS: Statement = const { statement!("bury_organizations") };
    static BURY_MEMBERSHIPS: Statement = const { statement!("bury_organization_memberships") };
    static BURY_DOMAINS: Statement = const { statement!("bury_organization_domains") };
    static BURY_ROLES: Statement = const { statement!("bury_roles") };
    static BURY_PERMISSIONS: Statement = const { statement!("bury_permissions") };
    static ERASE_BODIES: Statement = const { statement!("erase_bodies") };
    static LOCK_PARENTS: Statement = const { Statement::new(
        include_str!("../../sql/statements/lock_parents.sql"),
        &[PgBuiltInOids::TEXTARRAYOID, PgBuiltInOids::BOOLARRAYOID],
    ) };
    static MIRRORS_SESSIONS: Statement = const { Statement::new(
        "SELECT clerk._mirrors_sessions($1)",
        &[PgBuiltInOids::TEXTOID],
    ) };
}

/// Writes objects of a kind, a JSON array of the core's upserts with their `place`. Gives the places of those
/// that count now: the others are older than what is stored, or of something deleted.
pub(crate) fn write(kind: Kind, objects: &str) -> Result<Vec<usize>, spi::Error> {
    let number = Kind::ALL.iter().position(|&known| known == kind);
    APPLY.with(|statements| {
        statements[number.unwrap_or_default()].run(&[objects.into()], |rows| {
            rows.map(|row| {
                let place: Option<i32> = row.get(1)?;
                Ok(usize::try_from(place.unwrap_or_default()).unwrap_or_default())
            })
            .collect()
        })
    })
}

/// Buries objects of a kind, a JSON array of the core's deletions with their `place`. Clerk tells of no deletion
/// of the other kinds. The bodies of their events go with them.
pub(crate) fn bury(kind: Kind, objects: &str) -> Result<(), spi::Error> {
    let run = |statement: &Statement| statement.run(&[objects.into()], |_| Ok(()));
    match kind {
        Kind::User => BURY_USERS.with(run),
        Kind::Organization => BURY_ORGANIZATIONS.with(run),
        Kind::Membership => BURY_MEMBERSHIPS.with(run),
        Kind::Domain => BURY_DOMAINS.with(run),
        Kind::Role => BURY_ROLES.with(run),
        Kind::Permission => BURY_PERMISSIONS.with(run),
        Kind::Invitation | Kind::Session | Kind::Subscription => return Ok(()),
    }?;
    ERASE_BODIES.with(run)
}

/// Locks users and organizations by their ids until the transaction ends: exclusively who deletes them, shared
/// who writes memberships or sessions of them. A statement of its own, so that the next one sees what was committed meanwhile.
pub(crate) fn lock_parents(ids: Vec<String>, exclusive: Vec<bool>) -> Result<(), spi::Error> {
    LOCK_PARENTS.with(|statement| statement.run(&[ids.into(), exclusive.into()], |_| Ok(())))
}

/// Whether the instance with the id has its sessions stored.
pub(crate) fn mirrors_sessions(instance_id: &str) -> Result<bool, spi::Error> {
    MIRRORS_SESSIONS.with(|statement| {
        statement.run(&[instance_id.into()], |rows| {
            Ok(rows.first().get::<bool>(1)?.unwrap_or_default())
        })
    })
}

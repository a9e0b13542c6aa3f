//! The tables that mirror Clerk's objects: a whole batch of one kind a statement.

use clerk_core::resource::Kind;
use pgrx::prelude::*;

use super::rights::{confined, with_rights_of_commit};
use super::statement::Statement;

macro_rules! statement {
    ($file:literal) => {
        statement!($file, PgBuiltInOids::TEXTOID)
    };
    ($file:literal, $($argument:expr),+) => {
        Statement::new(
            include_str!(concat!("../../sql/statements/", $file, ".sql")),
            &[$($argument),+],
        )
    };
}

macro_rules! apply {
    ($file:literal) => {
        statement!(
            $file,
            PgBuiltInOids::TEXTARRAYOID,
            PgBuiltInOids::TEXTARRAYOID
        )
    };
}

thread_local! {
    /// In the order of [`Kind::ALL`].
    static APPLY: [Statement; 9] = const { [
        apply!("apply_users"),
        apply!("apply_organizations"),
        apply!("apply_organization_memberships"),
        apply!("apply_organization_invitations"),
        apply!("apply_organization_domains"),
        apply!("apply_roles"),
        apply!("apply_permissions"),
        apply!("apply_sessions"),
        apply!("apply_subscriptions"),
    ] };
    static BURY_USERS: Statement = const { statement!("bury_users") };
    static BURY_ORGANIZATIONS: Statement = const { statement!("bury_organizations") };
    static BURY_MEMBERSHIPS: Statement = const { statement!("bury_organization_memberships") };
    static BURY_DOMAINS: Statement = const { statement!("bury_organization_domains") };
    static BURY_INVITATIONS: Statement = const { statement!("bury_organization_invitations") };
    static BURY_SUBSCRIPTIONS: Statement = const { statement!("bury_subscriptions") };
    static BURY_ROLES: Statement = const { statement!("bury_roles") };
    static BURY_PERMISSIONS: Statement = const { statement!("bury_permissions") };
    static ERASE_BODIES: Statement = const { statement!("erase_bodies") };
    static CHECK_DEFERRED: Statement = const { Statement::new("SET CONSTRAINTS ALL IMMEDIATE", &[]) };
    static MIRRORS_SESSIONS: Statement = const { Statement::new(
        "SELECT clerk._mirrors_sessions($1)",
        &[PgBuiltInOids::TEXTOID],
    ) };
}

/// Writes objects of a kind, each of another id: the JSON of each of the core's upserts, and the text of each one's `data` at its
/// place. Both are parsed one by one, when they are written: what is parsed together is held together. They are taken in this
/// order. Gives the ids of those that count now: the others are older than what is stored, or of something deleted.
pub(crate) fn write(
    kind: Kind,
    objects: Vec<String>,
    data: Vec<&str>,
) -> Result<Vec<String>, spi::Error> {
    let number = Kind::ALL.iter().position(|&known| known == kind);
    APPLY.with(|statements| {
        statements[number.unwrap_or_default()].run(&[objects.into(), data.into()], |rows| {
            let ids: Result<Vec<Option<String>>, _> = rows.map(|row| row.get(1)).collect();
            Ok(ids?.into_iter().flatten().collect())
        })
    })
}

/// Buries objects of a kind, a JSON array of the core's deletions. Sessions end, and are not deleted. The bodies of
/// their events go with them.
pub(crate) fn bury(kind: Kind, objects: &str) -> Result<(), spi::Error> {
    let run = |statement: &Statement| statement.run(&[objects.into()], |_| Ok(()));
    match kind {
        Kind::User => BURY_USERS.with(run),
        Kind::Organization => BURY_ORGANIZATIONS.with(run),
        Kind::Membership => BURY_MEMBERSHIPS.with(run),
        Kind::Domain => BURY_DOMAINS.with(run),
        Kind::Role => BURY_ROLES.with(run),
        Kind::Permission => BURY_PERMISSIONS.with(run),
        Kind::Invitation => BURY_INVITATIONS.with(run),
        Kind::Subscription => BURY_SUBSCRIPTIONS.with(run),
        Kind::Session => return Ok(()),
    }?;
    ERASE_BODIES.with(run)
}

/// Deletes an object from a table of schema clerk; false where it is not there. Confined: the check of a foreign key runs
/// code of the referencing table's owner (casts, functions of its indexes), with that owner's rights, but inside of this.
pub(crate) fn remove(mirrored: &str, object_id: &str) -> Result<bool, spi::Error> {
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.table() == mirrored) else {
        return Ok(false);
    };
    let statement = format!("DELETE FROM clerk.{} WHERE id = $1", kind.table());
    confined(|| {
        Spi::connect_mut(|client| {
            let removed = client.update(statement.as_str(), None, &[object_id.into()])?;
            Ok(!removed.is_empty())
        })
    })
}

/// Checks what the application's constraints and triggers put off until the commit: an error then would take all
/// events of the transaction with it, again and again. With the rights of the commit: what the caller's own triggers put
/// off is never run with ours.
pub(crate) fn check_deferred() -> Result<(), spi::Error> {
    with_rights_of_commit(|| CHECK_DEFERRED.with(|statement| statement.run(&[], |_| Ok(()))))
}

/// Whether the instance with the id has its sessions stored.
pub(crate) fn mirrors_sessions(instance_id: &str) -> Result<bool, spi::Error> {
    MIRRORS_SESSIONS.with(|statement| {
        statement.run(&[instance_id.into()], |rows| {
            Ok(rows.first().get::<bool>(1)?.unwrap_or_default())
        })
    })
}

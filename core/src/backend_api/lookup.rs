//! Where a single object is found.

use crate::resource::Kind;

/// How to ask for one object. Paths are behind the base address, with the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The answer is the object; status 404 says that it is gone.
    Object(String),
    /// The object is in this list, where it exists; the list has a `limit` and takes an `offset`.
    InList(String),
}

/// Why an object cannot be asked for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The id has other characters than Clerk's.
    #[error("an id of Clerk has letters, digits, _ and - only")]
    Id,
    /// A kind that is asked for by its owner, who is not known.
    #[error("the API finds it by what it belongs to, which is not known here")]
    Owner,
    /// Nothing that the API tells by id.
    #[error("the API has no way to ask for it")]
    Kind,
}

/// How to ask for the object of a kind with an id. `user_id` and `organization_id` are those that it belongs to, where known:
/// memberships, invitations, domains and subscriptions are found by them. A subscription may be named by its payer, too.
///
/// # Errors
/// It cannot be asked for.
pub fn lookup(
    kind: Kind,
    id: &str,
    user_id: Option<&str>,
    organization_id: Option<&str>,
) -> Result<Lookup, LookupError> {
    let is_payer = kind == Kind::Subscription && (is_user(id) || id.starts_with("org_"));
    let (user_id, organization_id) = match id {
        _ if is_payer && is_user(id) => (Some(id), None),
        _ if is_payer => (None, Some(id)),
        _ => (user_id, organization_id),
    };
    for id in [Some(id), user_id, organization_id].into_iter().flatten() {
        if !is_plain(id) {
            return Err(LookupError::Id);
        }
    }
    let organization = || organization_id.ok_or(LookupError::Owner);
    Ok(match kind {
        Kind::User => Lookup::Object(format!("/users/{id}")),
        Kind::Organization => Lookup::Object(format!("/organizations/{id}")),
        Kind::Membership => Lookup::InList(format!(
            "/organizations/{}/memberships?user_id={}",
            organization()?,
            user_id.ok_or(LookupError::Owner)?
        )),
        Kind::Invitation => Lookup::Object(format!(
            "/organizations/{}/invitations/{id}",
            organization()?
        )),
        Kind::Domain => Lookup::InList(format!("/organizations/{}/domains?", organization()?)),
        Kind::Role => Lookup::InList("/organization_roles?".to_owned()),
        Kind::Permission => Lookup::InList("/organization_permissions?".to_owned()),
        // Clerk forgets sessions that ended, which are not deleted here.
        Kind::Session => return Err(LookupError::Kind),
        Kind::Subscription => Lookup::Object(match (organization_id, user_id) {
            (Some(organization), _) => {
                format!("/organizations/{organization}/billing/subscription")
            }
            (None, Some(user)) => format!("/users/{user}/billing/subscription"),
            (None, None) => return Err(LookupError::Owner),
        }),
    })
}

fn is_user(id: &str) -> bool {
    id.starts_with("user_")
}

/// Whether an id has letters, digits, `_` and `-` only, as Clerk's have: nothing that would mean something in an address.
pub fn is_plain(id: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=255).contains(&id.len()) && id.bytes().all(is_fit)
}

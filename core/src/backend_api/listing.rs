//! Where the objects of a kind are listed.

use crate::resource::Kind;

/// A list of the API.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its path behind the base address.
    pub path: &'static str,
    /// Path of the number of its objects, where the list itself does not tell it.
    pub count_path: Option<&'static str>,
    /// Whether a page can begin after a given object. Where it cannot, it begins at a number.
    pub seeks: bool,
}

impl Listing {
    /// The list of all objects of a kind. None where the API has none: sessions are listed by user only, and a subscription
    /// is asked of its payer.
    pub fn of(kind: Kind) -> Option<Self> {
        let counted = |path| Self {
            path,
            count_path: None,
            seeks: false,
        };
        Some(match kind {
            Kind::User => Self {
                path: "/users",
                count_path: Some("/users/count"),
                seeks: true,
            },
            Kind::Organization => counted("/organizations"),
            Kind::Membership => counted("/organization_memberships"),
            Kind::Invitation => counted("/organization_invitations"),
            Kind::Domain => counted("/organization_domains"),
            Kind::Role => counted("/organization_roles"),
            Kind::Permission => counted("/organization_permissions"),
            Kind::Session | Kind::Subscription => return None,
        })
    }
}

/// The kinds that are fetched unless others are named: all that have a list, owners first.
pub const LISTED: [Kind; 7] = [
    Kind::User,
    Kind::Organization,
    Kind::Membership,
    Kind::Invitation,
    Kind::Domain,
    Kind::Role,
    Kind::Permission,
];

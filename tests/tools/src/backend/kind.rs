//! The kinds of objects that the Backend API tells of.

use crate::Outcome;

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Organization,
    Membership,
    Invitation,
    Domain,
    Role,
    Permission,
    Subscription,
}

impl Kind {
    pub(super) const ALL: [Self; 8] = [
        Self::User,
        Self::Organization,
        Self::Membership,
        Self::Invitation,
        Self::Domain,
        Self::Role,
        Self::Permission,
        Self::Subscription,
    ];

    /// The kind of a list's name.
    pub(super) fn of_name(name: &str) -> Outcome<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("no kind {name:?}").into())
    }

    /// As in the path of its list.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Organization => "organizations",
            Self::Membership => "organization_memberships",
            Self::Invitation => "organization_invitations",
            Self::Domain => "organization_domains",
            Self::Role => "organization_roles",
            Self::Permission => "organization_permissions",
            Self::Subscription => "subscriptions",
        }
    }

    /// What its ids begin with.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::User => "user_",
            Self::Organization => "org_",
            Self::Membership => "orgmem_",
            Self::Invitation => "orginv_",
            Self::Domain => "orgdmn_",
            Self::Role => "role_",
            Self::Permission => "perm_",
            Self::Subscription => "csub_",
        }
    }

    /// The id of a number: in the order of the numbers.
    pub(super) fn id(self, number: u64) -> String {
        format!("{}{number:024}", self.prefix())
    }

    /// What stands before the dot of its events' types.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization => "organization",
            Self::Membership => "organizationMembership",
            Self::Invitation => "organizationInvitation",
            Self::Domain => "organizationDomain",
            Self::Role => "role",
            Self::Permission => "permission",
            Self::Subscription => "subscription",
        }
    }
}

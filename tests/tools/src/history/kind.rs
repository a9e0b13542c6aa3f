//! The kinds of objects that Clerk reports.

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Organization,
    Membership,
    Invitation,
    Domain,
    Role,
    Permission,
    Session,
    Subscription,
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::User,
        Self::Organization,
        Self::Membership,
        Self::Invitation,
        Self::Domain,
        Self::Role,
        Self::Permission,
        Self::Session,
        Self::Subscription,
    ];

    /// The table in the schema clerk.
    pub(super) fn table(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Organization => "organizations",
            Self::Membership => "organization_memberships",
            Self::Invitation => "organization_invitations",
            Self::Domain => "organization_domains",
            Self::Role => "roles",
            Self::Permission => "permissions",
            Self::Session => "sessions",
            Self::Subscription => "subscriptions",
        }
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
            Self::Session => "session",
            Self::Subscription => "subscription",
        }
    }

    /// The type of the event that tells of a new one; a payload of it is under `core/tests/vectors/webhook-payloads`.
    pub(super) fn creation(self) -> &'static str {
        match self {
            Self::Subscription => "active",
            _ => "created",
        }
    }

    /// The types of events that tell of a change.
    pub(super) fn changes(self) -> &'static [&'static str] {
        match self {
            Self::Invitation => &["accepted", "revoked"],
            Self::Session => &["pending", "ended", "removed", "revoked"],
            Self::Subscription => &["updated", "active", "pastDue"],
            _ => &["updated"],
        }
    }

    /// Whether Clerk tells of its deletion.
    pub(super) fn is_deletable(self) -> bool {
        !matches!(self, Self::Invitation | Self::Session | Self::Subscription)
    }
}

//! The types of Clerk's events and what each asks for.

use std::fmt;

use crate::resource::Kind;

/// What an event asks for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Its data is the object as it is now.
    Upsert(Kind),
    /// The object is gone.
    Delete(Kind),
    /// Nothing is mirrored; the event is stored.
    Ignored,
}

macro_rules! event_types {
    ($($variant:ident $name:literal $effect:expr;)*) => {
        /// The type of an event: those of Clerk's OpenAPI document (2025-04-15), those that its SDK and
        /// its texts know besides, and any other.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventType {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            /// A type that Clerk had not published.
            Unknown(String),
        }

        impl EventType {
            /// The type with this name, in Clerk's spelling.
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)*
                    other => Self::Unknown(other.to_owned()),
                }
            }

            /// Its name, as Clerk writes it.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Unknown(name) => name,
                }
            }

            /// What an event of this type asks for.
            pub fn effect(&self) -> Effect {
                match self {
                    $(Self::$variant => $effect,)*
                    Self::Unknown(_) => Effect::Ignored,
                }
            }

            /// The names of all known types.
            pub const NAMES: &'static [&'static str] = &[$($name),*];
        }
    };
}

event_types! {
    EmailCreated "email.created" Effect::Ignored;
    InvitationAccepted "invitation.accepted" Effect::Ignored;
    InvitationCreated "invitation.created" Effect::Ignored;
    InvitationRevoked "invitation.revoked" Effect::Ignored;
    OrganizationCreated "organization.created" Effect::Upsert(Kind::Organization);
    OrganizationUpdated "organization.updated" Effect::Upsert(Kind::Organization);
    OrganizationDeleted "organization.deleted" Effect::Delete(Kind::Organization);
    OrganizationDomainCreated "organizationDomain.created" Effect::Upsert(Kind::Domain);
    OrganizationDomainUpdated "organizationDomain.updated" Effect::Upsert(Kind::Domain);
    OrganizationDomainDeleted "organizationDomain.deleted" Effect::Delete(Kind::Domain);
    OrganizationInvitationAccepted "organizationInvitation.accepted" Effect::Upsert(Kind::Invitation);
    OrganizationInvitationCreated "organizationInvitation.created" Effect::Upsert(Kind::Invitation);
    OrganizationInvitationRevoked "organizationInvitation.revoked" Effect::Upsert(Kind::Invitation);
    OrganizationMembershipCreated "organizationMembership.created" Effect::Upsert(Kind::Membership);
    OrganizationMembershipUpdated "organizationMembership.updated" Effect::Upsert(Kind::Membership);
    OrganizationMembershipDeleted "organizationMembership.deleted" Effect::Delete(Kind::Membership);
    PaymentAttemptCreated "paymentAttempt.created" Effect::Ignored;
    PaymentAttemptUpdated "paymentAttempt.updated" Effect::Ignored;
    PermissionCreated "permission.created" Effect::Upsert(Kind::Permission);
    PermissionUpdated "permission.updated" Effect::Upsert(Kind::Permission);
    PermissionDeleted "permission.deleted" Effect::Delete(Kind::Permission);
    RoleCreated "role.created" Effect::Upsert(Kind::Role);
    RoleUpdated "role.updated" Effect::Upsert(Kind::Role);
    RoleDeleted "role.deleted" Effect::Delete(Kind::Role);
    SessionCreated "session.created" Effect::Upsert(Kind::Session);
    SessionPending "session.pending" Effect::Upsert(Kind::Session);
    SessionEnded "session.ended" Effect::Upsert(Kind::Session);
    SessionRemoved "session.removed" Effect::Upsert(Kind::Session);
    SessionRevoked "session.revoked" Effect::Upsert(Kind::Session);
    SmsCreated "sms.created" Effect::Ignored;
    SubscriptionCreated "subscription.created" Effect::Upsert(Kind::Subscription);
    SubscriptionUpdated "subscription.updated" Effect::Upsert(Kind::Subscription);
    SubscriptionActive "subscription.active" Effect::Upsert(Kind::Subscription);
    SubscriptionPastDue "subscription.pastDue" Effect::Upsert(Kind::Subscription);
    SubscriptionItemAbandoned "subscriptionItem.abandoned" Effect::Ignored;
    SubscriptionItemActive "subscriptionItem.active" Effect::Ignored;
    SubscriptionItemCanceled "subscriptionItem.canceled" Effect::Ignored;
    SubscriptionItemCreated "subscriptionItem.created" Effect::Ignored;
    SubscriptionItemEnded "subscriptionItem.ended" Effect::Ignored;
    SubscriptionItemFreeTrialEnding "subscriptionItem.freeTrialEnding" Effect::Ignored;
    SubscriptionItemIncomplete "subscriptionItem.incomplete" Effect::Ignored;
    SubscriptionItemPastDue "subscriptionItem.pastDue" Effect::Ignored;
    SubscriptionItemUpcoming "subscriptionItem.upcoming" Effect::Ignored;
    SubscriptionItemUpdated "subscriptionItem.updated" Effect::Ignored;
    UserCreated "user.created" Effect::Upsert(Kind::User);
    UserUpdated "user.updated" Effect::Upsert(Kind::User);
    UserDeleted "user.deleted" Effect::Delete(Kind::User);
    WaitlistEntryCreated "waitlistEntry.created" Effect::Ignored;
    WaitlistEntryUpdated "waitlistEntry.updated" Effect::Ignored;
}

impl fmt::Display for EventType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

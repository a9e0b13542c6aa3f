//! Subscriptions to plans.

use serde::Serialize;

use super::fields::{FieldError, Fields};
use super::json_object::JsonObject;
use crate::time::UnixMillis;

/// A row of `clerk.subscriptions`. None where the object does not say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Subscription {
    /// `csub_…`
    pub id: String,
    /// `active`, `past_due`, `canceled`, `ended`, `abandoned` or `incomplete`.
    pub status: String,
    /// Who pays.
    pub payer_id: Option<String>,
    /// The user that the payer is.
    pub user_id: Option<String>,
    /// The organization that the payer is.
    pub organization_id: Option<String>,
    /// Slugs of the plans of items that are `active`.
    pub active_plans: Vec<String>,
    /// What is subscribed to.
    pub items: Vec<SubscriptionItem>,
    /// When it became active.
    pub active_at: Option<UnixMillis>,
    /// When it was cancelled.
    pub canceled_at: Option<UnixMillis>,
    /// When it ended.
    pub ended_at: Option<UnixMillis>,
    /// Since when payment is due.
    pub past_due_at: Option<UnixMillis>,
    /// When it was made.
    pub created_at: Option<UnixMillis>,
    /// When it was changed last.
    pub updated_at: UnixMillis,
    /// The whole object; not part of what it serialises to.
    #[serde(skip_serializing)]
    pub data: JsonObject,
}

/// A plan within a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubscriptionItem {
    /// `csub_item_…`
    pub id: Option<String>,
    /// `active`, `upcoming`, `past_due`, `canceled`, `ended`, `abandoned` or `incomplete`.
    pub status: Option<String>,
    /// The plan.
    pub plan_id: Option<String>,
    /// Slug of the plan.
    pub plan_slug: Option<String>,
    /// Whether it is a free trial.
    pub is_free_trial: Option<bool>,
    /// Start of the paid period.
    pub period_start: Option<UnixMillis>,
    /// End of the paid period.
    pub period_end: Option<UnixMillis>,
}

impl Subscription {
    pub(super) fn read(fields: &Fields<'_>, data: JsonObject) -> Result<Self, FieldError> {
        // The Backend API has another name for the list than webhooks.
        let mut items = fields.objects("items")?;
        if items.is_empty() {
            items = fields.objects("subscription_items")?;
        }
        let items = items
            .iter()
            .map(SubscriptionItem::read)
            .collect::<Result<Vec<_>, _>>()?;
        let (user_id, organization_id) = match fields.object_or_null("payer")? {
            Some(payer) => (
                payer.identifier_or_empty("user_id")?,
                payer.identifier_or_empty("organization_id")?,
            ),
            None => (None, None),
        };
        Ok(Self {
            id: fields.identifier("id")?,
            status: fields.text("status")?,
            payer_id: fields.identifier_or_empty("payer_id")?,
            user_id,
            organization_id,
            active_plans: items
                .iter()
                .filter(|item| item.status.as_deref() == Some("active"))
                .filter_map(|item| item.plan_slug.clone())
                .collect(),
            items,
            active_at: fields.time_or_null("active_at")?,
            canceled_at: fields.time_or_null("canceled_at")?,
            ended_at: fields.time_or_null("ended_at")?,
            past_due_at: fields.time_or_null("past_due_at")?,
            created_at: fields.time_if_present("created_at")?,
            updated_at: fields.time("updated_at")?,
            data,
        })
    }
}

impl SubscriptionItem {
    fn read(fields: &Fields<'_>) -> Result<Self, FieldError> {
        let plan_slug = match fields.object_or_null("plan")? {
            Some(plan) => plan.text_or_null("slug")?,
            None => None,
        };
        Ok(Self {
            id: fields.identifier_or_empty("id")?,
            status: fields.text_if_present("status")?,
            plan_id: fields.identifier_or_empty("plan_id")?,
            plan_slug,
            is_free_trial: fields.flag_or_null("is_free_trial")?,
            period_start: fields.time_or_null("period_start")?,
            period_end: fields.time_or_null("period_end")?,
        })
    }
}

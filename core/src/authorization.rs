//! What a session may do: Clerk's `has()`, question by question.

use crate::claims::Session;

/// Ages of the factor verifications, in minutes; −1 is never.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) struct FactorAges {
    pub(crate) first: f64,
    pub(crate) second: f64,
}

impl FactorAges {
    /// Exactly two finite numbers, each −1 or not negative.
    pub(crate) fn from_numbers(numbers: &[f64]) -> Option<Self> {
        let &[first, second] = numbers else {
            return None;
        };
        let is_age = |age: f64| age.is_finite() && (age == -1.0 || age >= 0.0);
        (is_age(first) && is_age(second)).then_some(Self { first, second })
    }

    /// The rule of `@clerk/shared` for one level; an unknown level is never fulfilled.
    fn fulfil(self, level: &str, within_minutes: f64) -> bool {
        if within_minutes.is_nan() || within_minutes <= 0.0 {
            return false;
        }
        let never = |age: f64| age == -1.0;
        let fresh = |age: f64| !never(age) && within_minutes > age;
        match level {
            "first_factor" => fresh(self.first),
            "second_factor" if never(self.second) => fresh(self.first),
            "second_factor" => fresh(self.second),
            "multi_factor" if never(self.second) => fresh(self.first),
            "multi_factor" => fresh(self.first) && fresh(self.second),
            _ => false,
        }
    }
}

impl Session {
    /// Whether the role in the active organization is this one. The prefix `org:` is optional on
    /// both sides and counts once; upper and lower case differ.
    pub fn has_role(&self, role: &str) -> bool {
        let asked = bare(role);
        self.signed_in()
            && !role.is_empty()
            && self
                .organization()
                .and_then(|organization| organization.role())
                .is_some_and(|held| bare(held) == asked)
    }

    /// Whether the active organization's role carries the permission `org:feature:permission`. The
    /// prefix is optional in the question; the token's list is taken as it is.
    pub fn has_permission(&self, permission: &str) -> bool {
        let asked = bare(permission);
        self.signed_in()
            && !permission.is_empty()
            && self.organization().is_some_and(|organization| {
                let mut held = organization.permissions().iter();
                held.any(|held| held.strip_prefix("org:") == Some(asked))
            })
    }

    /// Whether organization or user have the feature; `o:x` and `u:x` ask one of them.
    pub fn has_feature(&self, feature: &str) -> bool {
        self.signed_in()
            && self
                .features
                .as_ref()
                .is_some_and(|scoped| scoped.contains(feature))
    }

    /// Whether organization or user have the plan; `o:x` and `u:x` ask one of them.
    pub fn has_plan(&self, plan: &str) -> bool {
        self.signed_in()
            && self
                .plans
                .as_ref()
                .is_some_and(|scoped| scoped.contains(plan))
    }

    /// Whether the level (`first_factor`, `second_factor`, `multi_factor`) was verified less than so
    /// many minutes ago.
    pub fn reverified(&self, level: &str, within_minutes: f64) -> bool {
        self.signed_in()
            && self
                .factor_ages
                .is_some_and(|ages| ages.fulfil(level, within_minutes))
    }

    /// The same for a preset of Clerk: `strict_mfa`, `strict`, `moderate` or `lax`.
    pub fn reverified_preset(&self, preset: &str) -> bool {
        match preset {
            "strict_mfa" => self.reverified("multi_factor", 10.0),
            "strict" => self.reverified("second_factor", 10.0),
            "moderate" => self.reverified("second_factor", 60.0),
            "lax" => self.reverified("second_factor", 1440.0),
            _ => false,
        }
    }
}

/// Without any `org:` in front: Clerk compares `value.replace(/^(org:)*/, "org:")`.
fn bare(mut value: &str) -> &str {
    while let Some(rest) = value.strip_prefix("org:") {
        value = rest;
    }
    value
}

//! The compressed permissions of version 2 tokens: `fea`, `o.per` and `o.fpm`.

use num_bigint::BigUint;

/// Elements of a `fea` or `pla` claim, by scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scoped {
    organization: Vec<String>,
    user: Vec<String>,
}

/// One element of a `fea` claim and whether the organization has it.
struct Feature<'a> {
    slug: &'a str,
    of_organization: bool,
}

impl Scoped {
    /// Splits a claim such as `o:teams,u:dashboard,uo:chat`. None where an element has no colon:
    /// Clerk's code throws then, and nothing is granted.
    pub(crate) fn parse(claim: &str) -> Option<Self> {
        let mut scoped = Self::default();
        if claim.is_empty() {
            return Some(scoped);
        }
        for element in claim.split(',') {
            let (scope, slug) = element.trim().split_once(':')?;
            if matches!(scope, "o" | "ou" | "uo") {
                scoped.organization.push(slug.to_owned());
            }
            if matches!(scope, "u" | "ou" | "uo") {
                scoped.user.push(slug.to_owned());
            }
        }
        Some(scoped)
    }

    /// Whether a feature or plan is there. A scope (`o`, `org`, `organization`, `u`, `user`) before a
    /// colon asks one side only; what follows a second colon is ignored, as in Clerk's code.
    pub(crate) fn contains(&self, asked: &str) -> bool {
        let mut parts = asked.split(':');
        let first = parts.next().unwrap_or_default();
        let has = |side: &[String], slug: &str| side.iter().any(|known| known == slug);
        match (first, parts.next()) {
            ("", None) => false,
            (slug, None) => has(&self.organization, slug) || has(&self.user, slug),
            (_, Some("")) => false,
            ("o" | "org" | "organization", Some(slug)) => has(&self.organization, slug),
            ("u" | "user", Some(slug)) => has(&self.user, slug),
            (_, Some(_)) => false,
        }
    }
}

/// Decodes the permissions of the active organization.
///
/// Clerk's SDKs read `fpm` in two ways: the JavaScript one counts organization features only, the
/// documentation and the Python and Ruby ones count all elements of `fea`. They agree on the tokens
/// that Clerk issues. Where they would not, only what both grant is granted.
pub fn decode_permissions(features: &str, permissions: &str, masks: &str) -> Vec<String> {
    if features.is_empty() || permissions.is_empty() || masks.is_empty() {
        return Vec::new();
    }
    let Some(features) = split_features(features) else {
        return Vec::new();
    };
    let permissions: Vec<&str> = permissions.split(',').map(str::trim).collect();
    let masks: Vec<Option<BigUint>> = masks
        .split(',')
        .map(|mask| parse_mask(mask.trim()))
        .collect();
    let mask_at = |at: usize| masks.get(at).and_then(Option::as_ref);
    let mut granted = Vec::new();
    let mut organization_index = 0;
    for (index, feature) in features.iter().enumerate() {
        if !feature.of_organization {
            continue;
        }
        let readings = (mask_at(organization_index), mask_at(index));
        organization_index += 1;
        let (Some(by_organization), Some(by_position)) = readings else {
            continue;
        };
        for (bit, permission) in (0_u64..).zip(&permissions) {
            if by_organization.bit(bit) && by_position.bit(bit) {
                granted.push(format!("org:{}:{permission}", feature.slug));
            }
        }
    }
    granted
}

fn split_features(claim: &str) -> Option<Vec<Feature<'_>>> {
    claim
        .split(',')
        .map(|element| {
            let (scope, slug) = element.trim().split_once(':')?;
            Some(Feature {
                slug,
                of_organization: matches!(scope, "o" | "ou" | "uo"),
            })
        })
        .collect()
}

/// A decimal number of any size; anything else grants nothing.
fn parse_mask(text: &str) -> Option<BigUint> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    BigUint::parse_bytes(text.as_bytes(), 10)
}

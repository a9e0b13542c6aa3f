//! What Postgres' jsonb cannot hold, or should not be asked to, found before it is asked.

use serde_json::{Number, Value};

use crate::resource::Problem;

/// The most digits of a `numeric` before its point.
const MOST_WHOLE_DIGITS: i64 = 131_072;
/// The most digits of a `numeric` behind its point.
const MOST_FRACTION_DIGITS: i64 = 16_383;

/// Whether arrays and objects are nested more than so many levels deep. The text need not be JSON.
pub(crate) fn is_nested_deeper(text: &str, levels: usize) -> bool {
    let mut depth = 0_usize;
    let mut is_in_string = false;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_in_string = !is_in_string,
            b'\\' if is_in_string => {
                bytes.next();
            }
            b'[' | b'{' if !is_in_string => {
                depth += 1;
                if depth > levels {
                    return true;
                }
            }
            b']' | b'}' if !is_in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// The first escape in a JSON text that is valid JSON and no character of jsonb: U+0000, or half a
/// surrogate pair.
pub(crate) fn find_bad_escape(text: &str) -> Option<Problem> {
    let mut rest = text.as_bytes();
    // In JSON a backslash stands only within strings.
    while let Some(start) = rest.iter().position(|&byte| byte == b'\\') {
        rest = &rest[start..];
        let Some(unit) = escaped_unit(rest) else {
            rest = rest.get(2..).unwrap_or_default();
            continue;
        };
        rest = &rest[6..];
        match unit {
            0 => return Some(Problem::Nul),
            0xD800..=0xDBFF => match escaped_unit(rest) {
                Some(0xDC00..=0xDFFF) => rest = &rest[6..],
                _ => return Some(Problem::LoneSurrogate),
            },
            0xDC00..=0xDFFF => return Some(Problem::LoneSurrogate),
            _ => {}
        }
    }
    None
}

/// Whether all numbers in a value fit into a `numeric`. Recursive: the value's nesting is limited before.
pub(crate) fn has_holdable_numbers(value: &Value) -> bool {
    match value {
        Value::Number(number) => is_holdable(number),
        Value::Array(items) => items.iter().all(has_holdable_numbers),
        Value::Object(members) => members.values().all(has_holdable_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// The UTF-16 unit of an escape `\uXXXX` that the text begins with.
fn escaped_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0_u16, |unit, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

fn is_holdable(number: &Number) -> bool {
    let text = number.as_str().trim_start_matches('-');
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, Some(0)),
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok().map(i64::from)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let length = |digits: &str| i64::try_from(digits.len()).unwrap_or(i64::MAX / 2);
    exponent.is_some_and(|exponent| {
        length(whole) + exponent <= MOST_WHOLE_DIGITS
            && length(fraction) - exponent <= MOST_FRACTION_DIGITS
    })
}

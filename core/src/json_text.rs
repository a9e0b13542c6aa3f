//! What Postgres' jsonb cannot hold, or should not be asked to, found before it is asked.

use crate::resource::Problem;

/// The most digits of a `numeric` before its point.
const MOST_WHOLE_DIGITS: i64 = 131_072;
/// The most digits of a `numeric` behind its point.
const MOST_FRACTION_DIGITS: i64 = 16_383;

/// What one look at a JSON text finds.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// How deep arrays and objects are nested.
    pub(crate) nesting: usize,
    /// The first thing that jsonb cannot hold: U+0000, half of a surrogate pair, or a number with more
    /// digits than `numeric` has.
    pub(crate) unholdable: Option<Problem>,
}

/// Looks through a text once, without recursion. The findings hold if it is JSON; whether it is, the parser
/// says.
pub(crate) fn inspect(text: &str) -> Findings {
    let bytes = text.as_bytes();
    let mut findings = Findings::default();
    let mut depth = 0_usize;
    let mut place = 0;
    while let Some(&byte) = bytes.get(place) {
        place += 1;
        match byte {
            b'"' => {
                let (end, problem) = skip_string(bytes, place);
                place = end;
                findings.unholdable = findings.unholdable.or(problem);
            }
            b'[' | b'{' => {
                depth += 1;
                findings.nesting = findings.nesting.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'0'..=b'9' => {
                let start = place - 1;
                place = skip_number(bytes, place);
                if !is_holdable(&text[start..place]) {
                    findings.unholdable = findings.unholdable.or(Some(Problem::NumberTooLarge));
                }
            }
            _ => {}
        }
    }
    findings
}

/// Where the text after a string begins that begins before `place`, and the first bad escape within it.
fn skip_string(bytes: &[u8], mut place: usize) -> (usize, Option<Problem>) {
    let mut problem = None;
    loop {
        let rest = bytes.get(place..).unwrap_or_default();
        let Some(length) = memchr::memchr2(b'"', b'\\', rest) else {
            return (bytes.len(), problem);
        };
        place += length;
        let rest = &rest[length..];
        if rest[0] == b'"' {
            return (place + 1, problem);
        }
        let (length, found) = read_escape(rest);
        place += length;
        problem = problem.or(found);
    }
}

/// The length of the escape that a text begins with, both halves of a surrogate pair together, and what is
/// bad about it.
fn read_escape(text: &[u8]) -> (usize, Option<Problem>) {
    match escaped_unit(text) {
        None => (2, None),
        Some(0) => (6, Some(Problem::Nul)),
        Some(0xD800..=0xDBFF) => match escaped_unit(&text[6..]) {
            Some(0xDC00..=0xDFFF) => (12, None),
            _ => (6, Some(Problem::LoneSurrogate)),
        },
        Some(0xDC00..=0xDFFF) => (6, Some(Problem::LoneSurrogate)),
        Some(_) => (6, None),
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

fn skip_number(bytes: &[u8], place: usize) -> usize {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    let rest = bytes.get(place..).unwrap_or_default();
    place + rest.iter().take_while(|byte| is_part(byte)).count()
}

/// Whether a number, without its sign, fits into a `numeric`.
fn is_holdable(number: &str) -> bool {
    if number.len() < 20 && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return true;
    }
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        None => (number, Some(0)),
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok().map(i64::from)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let length = |digits: &str| i64::try_from(digits.len()).unwrap_or(i64::MAX / 2);
    exponent.is_some_and(|exponent| {
        length(whole) + exponent <= MOST_WHOLE_DIGITS
            && length(fraction) - exponent <= MOST_FRACTION_DIGITS
    })
}

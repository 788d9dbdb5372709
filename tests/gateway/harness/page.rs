//! What every page of the gateway's own must carry.

use super::Answer;

/// Asserts an HTML page that no cache keeps, no frame shows and no script can be slipped into.
pub(crate) fn assert_own_page(answer: &Answer) {
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/html"), "{kind}: {}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-eval"), "{policy}");
    assert!(!answer.text().contains("<script"), "{}", answer.text());
}

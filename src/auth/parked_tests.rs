use super::*;
use crate::auth::testing::Counting;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn host(text: &str) -> Host {
    Host::parse(text).unwrap()
}

fn claim() -> Claim {
    Claim::draw(&host("app.example.com"), NOW, &mut Counting(1))
}

fn post() -> ParkedPost {
    ParkedPost {
        target: String::from("/form?x=%20"),
        content_type: Some(b"text/plain".to_vec()),
        referer: None,
        former: Some((String::from("askara"), String::from("42"))),
        body: vec![0, 128, 255, b'\n'],
    }
}

fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

#[test]
fn what_is_kept_opens_byte_for_byte_with_its_own_claim_alone() {
    let (mine, mut entropy) = (claim(), Counting(2));
    let sealed = mine.seal(&post(), &mut entropy);
    assert_eq!(mine.open(&sealed), Some(post()));
    let another = Claim::draw(&host("app.example.com"), NOW, &mut entropy);
    assert_eq!(another.open(&sealed), None);
    for bit in 0..sealed.len() * 8 {
        let mut altered = sealed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(mine.open(&altered), None, "C-23: bit {bit}");
    }
}

#[test]
fn a_claim_holds_at_its_host_and_for_as_long_as_an_attempt() {
    let bytes = claim().to_bytes();
    let read = |name, now| Claim::from_bytes(&bytes, &host(name), now);
    let same = read("app.example.com", NOW).unwrap();
    let sealed = claim().seal(&post(), &mut Counting(3));
    assert_eq!(same.open(&sealed), Some(post()));
    assert!(read("app.example.com", NOW.plus(ATTEMPT_LIFE)).is_some());
    assert!(read("other.example.com", NOW).is_none());
    assert!(read("app.example.com:8443", NOW).is_none());
    let late = NOW.plus(ATTEMPT_LIFE).plus(std::time::Duration::from_millis(1));
    assert!(read("app.example.com", late).is_none());
    let early = Timestamp::from_unix(NOW.as_unix() - 61);
    assert!(read("app.example.com", early).is_none(), "C-103");
}

#[test]
fn a_resume_form_is_for_one_claim_and_one_person() {
    let mine = claim();
    let (field, value) = mine.resume_form("askara", "42");
    let body = format!("{field}={value}");
    assert_eq!(body.len(), ResumeForm::LENGTH);
    let form = ResumeForm::parse(body.as_bytes()).unwrap();
    assert!(mine.made(&form, "askara", "42"));
    assert!(!mine.made(&form, "askara", "43"));
    assert!(!mine.made(&form, "other", "42"));
    assert!(!mine.made(&form, "askara4", "2"));
    let another = Claim::draw(&host("app.example.com"), NOW, &mut Counting(9));
    assert!(!another.made(&form, "askara", "42"));
    for wrong in [&body[1..], &body[..body.len() - 1], &body.to_uppercase(), &format!("{body}0")] {
        assert_eq!(ResumeForm::parse(wrong.as_bytes()), None, "{wrong}");
    }
    let mut altered = body.into_bytes();
    *altered.last_mut().unwrap() ^= 1;
    let altered = ResumeForm::parse(&altered).unwrap();
    assert!(!mine.made(&altered, "askara", "42"));
}

#[test]
fn an_id_is_read_as_it_was_written() {
    let id = claim().id;
    assert_eq!(ParkedId::parse(&id.to_text()), Some(id));
    let text = id.to_text();
    for wrong in
        ["", "00", &text[1..], &format!("{text}0"), &text.to_uppercase(), &text.replace('0', "g")]
    {
        if *wrong != text {
            assert_eq!(ParkedId::parse(wrong), None, "{wrong}");
        }
    }
    assert_ne!(id.place(0), id.place(1));
}

#[test]
fn c67_only_a_form_that_a_page_of_ours_posts_by_going_somewhere_is_kept() {
    let ours = Origin::parse("https://app.example.com").unwrap();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let (goes, own) = (("sec-fetch-mode", "navigate"), ("sec-fetch-site", "same-origin"));
    let (html, origin) = (("accept", "text/html,*/*"), ("origin", "https://app.example.com"));
    for (lines, kept) in [
        (&[goes, own, form][..], true),
        (&[goes, own, ("content-type", "multipart/form-data; boundary=x")], true),
        (&[goes, own, ("content-type", "Text/Plain;charset=utf-8")], true),
        (&[goes, own], true),
        (&[html, origin, form], true),
        (&[goes, ("sec-fetch-site", "same-site"), form], false),
        (&[goes, ("sec-fetch-site", "cross-site"), form], false),
        (&[goes, ("sec-fetch-site", "cross-site"), form, origin], false),
        (&[goes, form], false),
        (&[("sec-fetch-mode", "cors"), own, form], false),
        (&[("sec-fetch-mode", "no-cors"), own, form], false),
        (&[html, ("origin", "https://evil.example"), form], false),
        (&[html, ("origin", "null"), form], false),
        (&[html, form], false),
        (&[("accept", "*/*"), origin, form], false),
        (&[html, origin, ("content-type", "application/json")], false),
        (&[html, origin], false),
        (&[goes, own, form, ("x-requested-with", "XMLHttpRequest")], false),
        (&[goes, own, form, ("content-encoding", "gzip")], false),
    ] {
        assert_eq!(may_be_kept(&Method::POST, &fields(lines), &ours), kept, "{lines:?}");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        assert!(!may_be_kept(&method, &fields(&[goes, own, form]), &ours), "{method}");
    }
}

use super::*;
use crate::auth::host::Host;
use crate::auth::path::RequestPath;

fn route(host: Option<&str>, path: PathPattern, access: Access, upstream: usize) -> Route {
    let host = host.map(|host| HostPattern::parse(host).unwrap());
    Route { host, upstream, ..Route::for_test(path, access) }
}

fn find(table: &RouteTable, host: &str, path: &str, method: Method) -> Result<usize, NoRoute> {
    let path = RequestPath::parse(path).unwrap();
    table.find(&Host::parse(host).unwrap(), &path, &method).map(|found| found.route.upstream)
}

#[test]
fn the_most_specific_route_wins_whatever_the_order() {
    let prefix = PathPattern::prefix;
    let table = RouteTable::new(vec![
        route(None, prefix("/"), Access::SignedIn, 0),
        route(None, prefix("/admin/"), Access::SignedIn, 1),
        route(None, PathPattern::Exact("/admin/ping".into()), Access::Public, 2),
        route(Some("*.example.com"), prefix("/"), Access::SignedIn, 3),
        route(Some("wiki.example.com"), prefix("/"), Access::SignedIn, 4),
    ]);
    for (host, path, upstream) in [
        ("other.org", "/", 0),
        ("other.org", "/adminx", 0),
        ("other.org", "/admin", 1),
        ("other.org", "/admin/x", 1),
        ("other.org:8080", "/admin/ping", 2),
        ("other.org", "/admin/ping/", 1),
        ("a.example.com", "/admin", 3),
        ("wiki.example.com", "/admin", 4),
    ] {
        assert_eq!(find(&table, host, path, Method::GET), Ok(upstream), "{host}{path}");
    }
}

#[test]
fn a_catch_all_hides_no_expression_and_an_expression_hides_no_longer_prefix() {
    let regex = |text| PathPattern::regex(text).unwrap();
    let table = RouteTable::new(vec![
        route(None, PathPattern::prefix("/"), Access::SignedIn, 0),
        route(None, regex("/.*\\.css"), Access::Public, 1),
        route(None, PathPattern::prefix("/admin"), Access::SignedIn, 2),
        route(None, regex("^/v[0-9]+/health$"), Access::Public, 3),
        route(None, regex("/ab*|/cd"), Access::Public, 4),
    ]);
    for (path, upstream) in [
        ("/x", 0),
        ("/x/y.css", 1),
        ("/admin/y.css", 2),
        ("/v1/health", 3),
        ("/v1/health/x", 0),
        ("/cd", 0),
    ] {
        assert_eq!(find(&table, "a", path, Method::GET), Ok(upstream), "{path}");
    }
}

#[test]
fn a_method_left_out_falls_through_only_from_public() {
    let mut public = route(None, PathPattern::prefix("/p"), Access::Public, 1);
    public.methods = vec![Method::GET];
    let mut closed = route(None, PathPattern::prefix("/c"), Access::SignedIn, 2);
    closed.methods = vec![Method::GET];
    let wide = route(None, PathPattern::prefix("/"), Access::SignedIn, 0);
    let table = RouteTable::new(vec![wide, public, closed]);
    assert_eq!(find(&table, "a", "/p", Method::GET), Ok(1));
    assert_eq!(find(&table, "a", "/p", Method::POST), Ok(0));
    assert_eq!(find(&table, "a", "/c", Method::HEAD), Err(NoRoute::Method(vec![Method::GET])));
}

#[test]
fn templates_and_regular_expressions_cover_whole_paths() {
    let template = |text| PathPattern::template(text).unwrap();
    for (pattern, covered, not) in [
        (
            template("/t/{team}/logo"),
            &["/t/red/logo"][..],
            &["/t/logo", "/t//logo", "/t/a/b/logo", "/t/a/logo/"][..],
        ),
        (template("/t/{team}/*"), &["/t/a", "/t/a/", "/t/a/b/c"], &["/t", "/t/", "/u/a"]),
        (template("/*"), &["/", "/x"], &[]),
        (PathPattern::regex("/v[0-9]+/x").unwrap(), &["/v1/x"], &["/a/v1/x", "/v1/x/", "/v/x"]),
        (PathPattern::regex("/a|/b").unwrap(), &["/a", "/b"], &["/ab", "/c/b"]),
    ] {
        assert!(covered.iter().all(|path| pattern.covers(path)), "{pattern:?}");
        assert!(!not.iter().any(|path| pattern.covers(path)), "{pattern:?}");
    }
    assert!(PathPattern::template("/t/{}/x").is_none());
    assert!(PathPattern::template("/t/a{b}").is_none());
    assert!(PathPattern::template("/t/*/x").is_none());
    assert!(PathPattern::regex("(").is_err());
    assert!(PathPattern::regex("(a{1000}){1000}").is_err());
}

#[test]
fn what_no_route_covers_is_refused() {
    let table = RouteTable::new(vec![route(None, PathPattern::prefix("/a"), Access::Public, 0)]);
    assert_eq!(find(&table, "a", "/b", Method::GET), Err(NoRoute::Path));
    assert_eq!(find(&RouteTable::new(Vec::new()), "a", "/", Method::GET), Err(NoRoute::Path));
}

#[test]
fn c42_parameters_must_pass_both_rules() {
    let table = RouteTable::new(vec![
        route(None, PathPattern::prefix("/"), Access::SignedIn, 0),
        route(None, PathPattern::prefix("/public"), Access::Public, 1),
    ]);
    let path = RequestPath::parse("/public;x").unwrap();
    let found = table.find(&Host::parse("a").unwrap(), &path, &Method::GET).unwrap();
    let also = found.also.map(|route| &route.access);
    assert_eq!((found.route.upstream, also), (1, Some(&Access::SignedIn)));
}

use super::*;
use crate::auth::host::Host;
use crate::auth::path::RequestPath;

fn route(host: Option<&str>, path: PathPattern, access: Access, upstream: usize) -> Route {
    let host = host.map(|host| HostPattern::parse(host).unwrap());
    Route { host, upstream: Some(upstream), ..Route::for_test(path, access) }
}

fn find(table: &RouteTable, host: &str, path: &str, method: Method) -> Result<usize, NoRoute> {
    let path = RequestPath::parse(path).unwrap();
    table
        .find(&Host::parse(host).unwrap(), &path, &method)
        .map(|found| found.route.upstream.unwrap())
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
    let also = found.also[0].map(|route| &route.access);
    assert_eq!((found.route.upstream, also), (Some(1), Some(&Access::SignedIn)));
}

#[test]
fn c43_an_identifier_with_an_encoded_slash_needs_no_longer_route() {
    let template = PathPattern::template("/projects/{id}").unwrap();
    let admin = route(None, PathPattern::prefix("/projects/a/admin"), Access::SignedIn, 1);
    let table = RouteTable::new(vec![route(None, template, Access::SignedIn, 0), admin]);
    let rules = |raw: &str| {
        let path = RequestPath::parse(raw).unwrap();
        let found = table.find(&Host::parse("a").unwrap(), &path, &Method::GET).unwrap();
        found.rules().filter_map(|route| route.upstream).collect::<Vec<_>>()
    };
    assert_eq!(rules("/projects/group%2Fname"), [0]);
    assert_eq!(rules("/projects/a%2Fadmin"), [0, 1]);
}

#[test]
fn a_template_tells_its_variables_and_an_opaque_one_is_none() {
    let pattern = PathPattern::template("/t/{team}/x/{id}/*").unwrap();
    assert_eq!(pattern.variables().collect::<Vec<_>>(), ["team", "id"]);
    for (raw, team, id) in [
        ("/t/red/x/7", Some("red"), Some("7")),
        ("/t/r%C3%A9d/x/7/more", Some("r\u{e9}d"), Some("7")),
        ("/t/a%2fb/x/7", None, Some("7")),
        ("/t/a%25/x/7", None, Some("7")),
        ("//t//red/x/7;v=1", Some("red"), Some("7")),
        ("/t", None, None),
    ] {
        let path = RequestPath::parse(raw).unwrap();
        let of = |name| pattern.variable(name, path.plain());
        assert_eq!((of("team"), of("id"), of("other")), (team, id, None), "{raw}");
    }
    assert!(PathPattern::template("/t/{team}/{team}").is_none());
    assert_eq!(PathPattern::prefix("/t").variables().count(), 0);
}

#[test]
fn c48_an_expression_never_leaves_its_anchors() {
    for text in ["/a)|(?:.*", "/a)(?:.*", "/a)*(?:b"] {
        assert!(PathPattern::regex(text).is_err(), "{text}");
    }
    for (text, literal) in [
        ("/a/b[0-9]", "/a/b"),
        ("^/a.*", "/a"),
        ("/caf\u{e9}*", "/caf"),
        ("/a{2}", "/"),
        ("(/a)?", ""),
        ("/a|/b", ""),
    ] {
        assert_eq!(PathPattern::regex(text).unwrap().literal(), literal, "{text}");
    }
}

#[test]
fn names_hosts_and_exact_paths_are_found_among_many() {
    let numbered = |n: usize| {
        let path = PathPattern::Exact(format!("/p{n}"));
        route(Some(&format!("h{n}.example.com")), path, Access::SignedIn, n)
    };
    let mut routes: Vec<Route> = (0..100).map(numbered).collect();
    routes.push(route(Some("*.deep.example.org"), PathPattern::prefix("/"), Access::Public, 0));
    routes.extend((0..20).map(|n| {
        let path = PathPattern::Exact(format!("/every{n}"));
        route(None, path, Access::SignedIn, n)
    }));
    let table = RouteTable::new(routes);
    for (host, named) in [
        ("h7.example.com:8080", true),
        ("h100.example.com", false),
        ("a.b.deep.example.org", true),
        ("deep.example.org", false),
        ("other", false),
    ] {
        assert_eq!(table.names(&Host::parse(host).unwrap()), named, "{host}");
    }
    for (host, path, has) in [
        ("h7.example.com", "/p7", true),
        ("h7.example.com", "/p8", false),
        ("h7.example.com", "/every3", true),
        ("other", "/every3", true),
        ("other", "/p7", false),
    ] {
        assert_eq!(table.has_exact(&Host::parse(host).unwrap(), path), has, "{host}{path}");
    }
    assert_eq!(table.hosts().count(), 101);
    assert!(!table.are_below("example.com"));
}

mod as_the_scan {
    use super::*;
    use proptest::prelude::*;

    /// From few words, so that routes hide, overlap and equal each other all the time.
    fn path() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "ab", "a", ""]), 0..5)
            .prop_map(|segments| format!("/{}", segments.join("/")))
    }

    fn pattern() -> impl Strategy<Value = PathPattern> {
        let expressions = prop::sample::select(vec![
            "/.*", ".*", "/a.*", "/a/b?", "/a/b.*", "/ab?/.*", "/a/[ab]+", "/a|/b", "(/a)*", "/a/",
        ]);
        let templates = prop::sample::select(vec![
            "/{x}", "/a/{x}", "/a/{x}/*", "/a/b/{x}", "/{x}/b", "/*", "/a/*", "/", "/a/", "/a/b",
        ]);
        prop_oneof![
            3 => path().prop_map(|path| PathPattern::prefix(&path)),
            2 => path().prop_map(PathPattern::Exact),
            2 => expressions.prop_map(|text| PathPattern::regex(text).unwrap()),
            2 => templates.prop_map(|text| PathPattern::template(text).unwrap()),
        ]
    }

    fn methods() -> impl Strategy<Value = Vec<Method>> {
        prop::sample::select(vec![
            vec![],
            vec![],
            vec![Method::GET],
            vec![Method::POST],
            vec![Method::GET, Method::POST],
        ])
    }

    fn one_route() -> impl Strategy<Value = Route> {
        let hosts = vec![None, None, Some("x"), Some("a.x"), Some("*.x"), Some("*.a.x")];
        let access = prop::sample::select(vec![Access::Public, Access::SignedIn]);
        (prop::sample::select(hosts), pattern(), methods(), access).prop_map(
            |(host, path, methods, access)| Route { methods, ..route(host, path, access, 0) },
        )
    }

    /// The rule as it is written, for each route in turn.
    fn scanned(
        routes: &[Route],
        host: &str,
        path: &str,
        method: &Method,
    ) -> Result<usize, NoRoute> {
        let mut routes: Vec<&Route> = routes.iter().collect();
        routes.sort_by_key(|route| {
            let host = match &route.host {
                Some(HostPattern::Exact(_)) => (0, 0),
                Some(HostPattern::Below(name)) => (1, usize::MAX - name.len()),
                None => (2, 0),
            };
            match &route.path {
                PathPattern::Exact(_) => (host, 0),
                other => (host, usize::MAX - other.literal_length()),
            }
        });
        let covers = |route: &&&Route| route.covers_host(host) && route.path.covers(path);
        for route in routes.iter().filter(covers) {
            if route.methods.is_empty() || route.methods.contains(method) {
                return Ok(route.upstream.unwrap());
            }
            if route.access != Access::Public {
                return Err(NoRoute::Method(route.methods.clone()));
            }
        }
        Err(NoRoute::Path)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn the_index_answers_as_the_scan(
            routes in prop::collection::vec(one_route(), 0..80),
            asked in prop::collection::vec(
                (
                    prop::sample::select(vec!["x", "a.x", "b.x", "b.a.x", "c.b.a.x", "ax", "y"]),
                    path(),
                    prop::sample::select(vec!["", ";p", "%2Fa", "/c"]),
                    prop::sample::select(vec![Method::GET, Method::POST, Method::PUT]),
                ),
                20,
            ),
        ) {
            let number = |(upstream, route)| Route { upstream: Some(upstream), ..route };
            let routes: Vec<Route> = routes.into_iter().enumerate().map(number).collect();
            let table = RouteTable::new(routes.clone());
            for (host, path, tail, method) in asked {
                let raw = format!("{path}{tail}");
                let (host, path) = (Host::parse(host).unwrap(), RequestPath::parse(&raw).unwrap());
                let places = |found: Result<Found<'_>, NoRoute>| {
                    found.map(|found| found.rules().filter_map(|route| route.upstream).collect())
                };
                let found = places(table.find(&host, &path, &method));
                let by_scan = places(table.find_by_scan(&host, &path, &method));
                prop_assert_eq!(&found, &by_scan, "{} {} {}", method, host.as_str(), raw);
                let first = |path| scanned(&routes, host.name(), path, &method);
                let forms = [path.plain()].into_iter().chain(path.others().iter().map(String::as_str));
                let found_by = |(at, form)| match first(form) {
                    Err(NoRoute::Path) if at > 0 && path.may_have_no_route(at - 1) => None,
                    found => Some(found),
                };
                let rule: Result<Vec<usize>, NoRoute> =
                    forms.enumerate().filter_map(found_by).collect();
                prop_assert_eq!(&found, &rule, "{} {} {}", method, host.as_str(), raw);
                let names = |route: &Route| route.host.as_ref().is_some_and(|own| own.matches(host.name()));
                prop_assert_eq!(table.names(&host), table.routes().iter().any(names));
            }
        }
    }
}

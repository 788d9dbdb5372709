//! `deploy/container`: two ways to the same image. The one that needs no engine is built and run by
//! `image`; the other one is read.

use std::fs;

use crate::program::at_top;

fn read(name: &str) -> String {
    fs::read_to_string(at_top(name)).unwrap()
}

#[test]
fn both_ways_to_the_image_say_the_same() {
    let (file, program) = (read("deploy/container/Containerfile"), read("deploy/container/build"));
    let flags = "'-C target-feature=+crt-static --cfg getrandom_backend=\"linux_getrandom\"'";
    for said in [flags, "cargo build --release --locked --no-default-features --target"] {
        assert!(file.contains(said) && program.contains(said), "{said}");
    }
    for (in_file, in_program) in [
        ("USER 65532:65532", r#""User":"65532:65532""#),
        ("EXPOSE 4180 4190", r#""ExposedPorts":{"4180/tcp":{},"4190/tcp":{}}"#),
        (r#"ENTRYPOINT ["/askara-gate"]"#, r#""Entrypoint":["/askara-gate"]"#),
        (
            r#"CMD ["run", "--config", "/etc/askara-gate/gate.toml"]"#,
            r#""Cmd":["run","--config","/etc/askara-gate/gate.toml"]"#,
        ),
        ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt"),
        ("LICENSE /LICENSE", "LICENSE"),
    ] {
        assert!(file.contains(in_file), "{in_file}");
        assert!(program.contains(in_program), "{in_program}");
    }
    assert!(file.contains("\nFROM scratch\n"));
}

#[test]
fn the_image_is_built_by_the_toolchain_of_the_project() {
    let pinned = read("rust-toolchain.toml");
    let channel = pinned.lines().find_map(|line| line.strip_prefix("channel = \"")).unwrap();
    let channel = channel.trim_end_matches('"');
    let file = read("deploy/container/Containerfile");
    assert!(file.contains(&format!("rust:{channel}-slim-bookworm\n")), "{channel}");
    assert!(file.contains(&format!("ENV RUSTUP_TOOLCHAIN={channel}\n")), "{channel}");
}

/// Whatever the build reads has to come past the list of what it may not.
#[test]
fn the_build_is_given_what_it_copies_and_nothing_else() {
    let file = read("deploy/container/Containerfile");
    let given = read("deploy/container/Containerfile.dockerignore");
    let given: Vec<_> = given.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let copied = file.lines().filter_map(|line| line.strip_prefix("COPY "));
    let mut copied: Vec<&str> = copied
        .filter(|line| !line.starts_with("--from"))
        .flat_map(|line| line.split(' ').rev().skip(1))
        .collect();
    copied.sort_unstable();
    assert_eq!(copied, given);
}

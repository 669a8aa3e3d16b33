//! Certificates of sources of https.

use std::{sync::Arc, time::Instant};

use tokio_rustls::rustls::ServerConfig;

use super::fetched::{source, stream, why};
use crate::support::{
    TestServer,
    origin::{Asked, Live, Origin, SEGMENTS, ok},
    tv::within,
};

/// A certificate for that name by an authority of our own, and the authority's.
fn certificate(name: &str) -> (Arc<ServerConfig>, String) {
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;
    let authority = rcgen::KeyPair::generate().unwrap();
    let mut about = rcgen::CertificateParams::new(Vec::new()).unwrap();
    about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = about.self_signed(&authority).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(about, authority);
    let signed =
        rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (Arc::new(config), root.pem())
}

#[test]
fn certificates_of_playlists_and_segments_are_verified() {
    let _ = &SEGMENTS.ts;
    let (right, authority) = certificate("localhost");
    let (wrong_name, other_authority) = certificate("other.example");
    let (unknown, _) = certificate("localhost");
    let segments = |asked: &Asked| {
        let live = Live(Instant::now());
        let number =
            asked.path.trim_start_matches('/').split('.').next().and_then(|n| n.parse::<usize>().ok());
        match number {
            Some(number) => ok(SEGMENTS.ts[number % 9].clone()),
            None => ok(live.list(0, "#EXT-X-PLAYLIST-TYPE:VOD\n", |number| format!("{number}.ts"))
                + "#EXT-X-ENDLIST\n"),
        }
    };
    let right_again = right.clone();
    let [right, wrong_name, unknown] =
        [right, wrong_name, unknown].map(|config| Origin::with_tls(config, segments));
    let elsewhere = unknown.url.clone();
    let mixed = Origin::with_tls(right_again, move |_| {
        let live = Live(Instant::now());
        ok(live.list(0, "", |number| format!("{elsewhere}/{number}.ts")))
    });
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority + &other_authority).unwrap();
    let server = TestServer::with(folder, &[], &[("SSL_CERT_FILE", &roots)]);
    let list = |origin: &Origin| source(&format!("{}/list.m3u8", origin.url));
    for columns in [
        list(&right),
        list(&wrong_name),
        list(&unknown),
        list(&mixed),
        format!("{}&data[tls_verify]=0", list(&unknown)),
    ] {
        server.done("streams/new", &format!("data[name]=A&{columns}"));
    }
    let has_played =
        |id| !stream(&server, id)["video_codec"].is_null() || stream(&server, id)["status"] == "running";
    within(60, "what is in order plays", || has_played(1));
    within(60, "what need not be verified plays", || has_played(5));
    for (id, word) in [
        (2, "the certificate of localhost is not valid for this name"),
        (3, "is not signed by an authority that this machine trusts"),
        (4, "is not signed by an authority that this machine trusts"),
    ] {
        let why = why(&server, id);
        assert!(why.contains(word), "{id}: {why}");
        assert!(stream(&server, id)["video_codec"].is_null());
    }
}

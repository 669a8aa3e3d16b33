//! crispy-xtream, the strictest reader of the player API, against a running server: crispy URL USERNAME
//! PASSWORD CHANNELS.

use crispy_xtream::{StreamType, XtreamClient, XtreamCredentials, XtreamError};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), XtreamError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, username, password, count] = &arguments[..] else { panic!("URL USERNAME PASSWORD CHANNELS") };
    let client = XtreamClient::new(XtreamCredentials::new(url, username, password))?;
    let profile = client.authenticate().await?;
    assert_eq!(&profile.user_info.username, username);
    client.get_user_profile().await?;
    let streams = client.get_live_streams(None).await?;
    assert_eq!(streams.len().to_string(), *count, "crispy-xtream sees other channels");
    let categories = client.get_live_categories().await?;
    let mut found = 0;
    for category in &categories {
        found += client.get_live_streams(Some(&category.category_id)).await?.len();
    }
    assert_eq!(found, streams.len(), "each channel has one category");
    assert!(client.get_vod_categories().await?.is_empty() && client.get_vod_streams(None).await?.is_empty());
    assert!(client.get_series_categories().await?.is_empty() && client.get_series(None).await?.is_empty());
    let id = streams[0].stream_id;
    assert!(client.get_short_epg(id, None).await?.epg_listings.is_empty());
    client.get_full_epg(id).await?;
    assert_eq!(
        client.stream_url(StreamType::Channel, id, "ts"),
        format!("{url}/live/{username}/{password}/{id}.ts")
    );
    let wrong = XtreamClient::new(XtreamCredentials::new(url, username, "wrong"))?;
    assert!(wrong.authenticate().await.is_err(), "crispy-xtream takes a wrong password");
    println!("crispy-xtream: passed");
    Ok(())
}

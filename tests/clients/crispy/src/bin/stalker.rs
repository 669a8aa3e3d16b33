//! crispy-stalker, which always asks for do_auth, against the portal of a running server: stalker URL MAC
//! CHANNELS.

use crispy_stalker::{StalkerClient, StalkerCredentials};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("stalker URL MAC CHANNELS");
    let (base_url, mac_address, count): (_, _, usize) = (next()?, next()?, next()?.parse()?);
    let mut client = StalkerClient::new(StalkerCredentials { base_url, mac_address, timezone: None }, false)?;
    client.authenticate().await?;
    client.get_profile().await?;
    client.get_account_info().await?;
    assert_eq!(client.get_genres().await?.len(), 6);
    let page = client.get_channels_page("*", 1).await?;
    assert_eq!(page.items.len(), 14);
    let channels = client.get_all_channels("*", None).await?;
    assert_eq!(channels.len(), count);
    let link = client.create_link(&channels[0].cmd).await?;
    assert!(link.contains("/play/"), "{link}");
    client.keepalive().await?;
    println!("crispy-stalker: passed");
    Ok(())
}

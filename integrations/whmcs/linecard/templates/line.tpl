{* The line of a service. Everything is escaped here: titles and user agents come from elsewhere. *}
{if $problem}
<div class="alert alert-warning">{$problem|escape:'html'}</div>
{else}
<h3>Your line</h3>
<table class="table">
    <tr><th scope="row">State</th><td>{$line.state|escape:'html'}</td></tr>
    <tr><th scope="row">Ends</th><td>{$line.ends|escape:'html'}</td></tr>
    <tr><th scope="row">Connections</th><td>{$line.open|@count} open, {if $line.connections}{$line.connections} allowed{else}no limit{/if}</td></tr>
    <tr><th scope="row">Username</th><td><code>{$line.username|escape:'html'}</code></td></tr>
    <tr><th scope="row">Password</th><td><details><summary>Show</summary><code>{$line.password|escape:'html'}</code></details></td></tr>
</table>
{if $line.works}
<h4>For your player</h4>
<details>
    <summary>Show the addresses. Whoever has them can watch on your line.</summary>
    <p><label>Server (Xtream login, with username and password) <input class="form-control" readonly value="{$line.addresses.server|escape:'html'}"></label></p>
    <p><label>Playlist (M3U) <input class="form-control" readonly value="{$line.addresses.playlist|escape:'html'}"></label></p>
    <p><label>Playlist (HLS) <input class="form-control" readonly value="{$line.addresses.playlist_hls|escape:'html'}"></label></p>
    <p><label>Programme guide (XMLTV) <input class="form-control" readonly value="{$line.addresses.guide|escape:'html'}"></label></p>
    {if $line.qr}<p><img src="{$line.qr|escape:'html'}" width="240" height="240" alt="The address of the playlist as a QR code"></p>{/if}
</details>
{/if}
{if $line.open}
<h4>Watched now</h4>
<table class="table">
    <thead><tr><th scope="col">What</th><th scope="col">Since</th><th scope="col">From</th><th scope="col">With</th></tr></thead>
    <tbody>
    {foreach $line.open as $one}
        <tr><td>{$one.what|escape:'html'}</td><td>{$one.since|escape:'html'}</td><td>{$one.from|escape:'html'}</td><td>{$one.with|escape:'html'}</td></tr>
    {/foreach}
    </tbody>
</table>
{/if}
<form method="post" action="clientarea.php?action=productdetails">
    <input type="hidden" name="token" value="{$token|escape:'html'}">
    <input type="hidden" name="id" value="{$service|escape:'html'}">
    <input type="hidden" name="modop" value="custom">
    <button class="btn btn-default" name="a" value="newpassword">New password</button>
    <button class="btn btn-default" name="a" value="disconnect">End all connections</button>
</form>
{/if}

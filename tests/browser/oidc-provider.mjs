// A real OpenID Connect provider, for tests/it/people/oidc_browser.rs: PORT REDIRECT_URI. Whoever signs in there has the account of
// the name that was typed, and the groups in GROUPS.
import { Provider } from 'oidc-provider';

const [port, redirect] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'linecard-panel',
      client_secret: 'client-secret-0123',
      redirect_uris: [redirect],
      post_logout_redirect_uris: [redirect.replace('/login/oidc/back', '/login')],
      id_token_signed_response_alg: 'RS256',
    },
  ],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username'], groups: ['groups'] },
  scopes: ['openid', 'email', 'profile', 'groups'],
  pkce: { required: () => true },
  async findAccount(_, id) {
    return {
      accountId: id,
      claims: async () => ({
        sub: id,
        email: `${id}@a.example`,
        email_verified: true,
        preferred_username: id,
        groups: (process.env.GROUPS ?? '').split(','),
      }),
    };
  },
});
provider.listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'));

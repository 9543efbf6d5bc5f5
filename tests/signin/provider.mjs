// A real OpenID provider on this machine, with one client and one person.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.NPM}/`);
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));
const [port, secret, callback] = process.argv.slice(2);
const provider = new Provider(`http://localhost:${port}`, {
  clients: [{ client_id: "sluicegate", client_secret: secret, redirect_uris: [callback] }],
  claims: { email: ["email", "email_verified"] },
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@lab.example`, email_verified: true }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));

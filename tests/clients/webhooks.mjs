// Checks one webhook with the `standardwebhooks` package of npm: secrets, headers and body come as JSON on standard input.
import { Webhook } from "standardwebhooks";
import { readFileSync } from "node:fs";

const { secrets, headers, body } = JSON.parse(readFileSync(0, "utf8"));
for (const secret of secrets) {
    new Webhook(secret).verify(body, headers);
}
let strange = false;
try {
    new Webhook(secrets[0]).verify(body + " ", headers);
    strange = true;
} catch {
    // As it should be.
}
if (strange) {
    throw new Error("another body is good");
}

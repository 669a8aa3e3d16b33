<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace Linecard;

/** What the server said no to, in its words, or what cannot be asked at all. Nothing was changed. The code is the status, if there was one. */
final class Refused extends \RuntimeException
{
    /** Whether it is about what was asked: how a server is set up is not for clients. */
    public function isForClients(): bool
    {
        return in_array($this->getCode(), [0, 200], true);
    }
}

/** No answer, or none of a Linecard server: what was asked may have been done or not. */
final class Unreachable extends \RuntimeException
{
    /** @param string $detail names hosts and ports: for staff only */
    public function __construct(public string $detail)
    {
        parent::__construct('The Linecard server does not answer: it is safe to try again');
    }
}

/** The Server API over curl. The key travels in a header, never in an address or a body. */
final class Client
{
    /** The longest answer that is read: a page of 1,000 lines is far below. */
    private const MOST_BYTES = 16 * 1024 * 1024;

    /** @var callable|null of call, fields, answer: for the host's log; secrets are masked in both */
    private $log;

    /**
     * @param string $url such as `https://panel.example.com:8443`
     * @param int $milliseconds for each of the three tries of a call
     */
    public function __construct(
        private string $url,
        private string $key,
        ?callable $log = null,
        private int $milliseconds = 12000,
    ) {
        $this->url = rtrim($url, '/');
        $this->key = trim($key);
        $this->log = $log;
        if (!preg_match('~^https?://[^\s/?#@]+$~i', $this->url)) {
            throw new Refused('The address of the Linecard server is missing or wrong: set host name and port of the server', 1);
        }
        if (!preg_match('~^[\x21-\x7e]+$~', $this->key)) {
            throw new Refused('The API key of the Linecard server is missing: type it as the access hash or password of the server', 1);
        }
    }

    /**
     * Does one call, such as `line/new`, and returns its answer.
     *
     * A call whose answer was lost is sent again, with the same `$once`: the server does nothing twice then.
     *
     * @throws Refused the server said no
     * @throws Unreachable three tries brought no answer
     */
    public function call(string $call, array $fields, ?string $once = null): array
    {
        $problem = '';
        foreach ([0, 25, 80] as $share) {
            usleep($this->milliseconds * $share);
            [$status, $body, $problem] = $this->send($call, $fields, $once);
            $answer = json_decode($body, true, 32);
            if (!is_array($answer) || !is_bool($answer['result'] ?? null)) {
                $problem = $problem ?: "status $status, and no answer of a Linecard server";
                $this->note($call, $fields, $problem);
                continue;
            }
            $this->note($call, $fields, $answer);
            if ($answer['result']) {
                return $answer;
            }
            $problem = is_string($answer['error'] ?? null) ? $answer['error'] : 'refused without a reason';
            // Both say that nothing was done, and pass.
            if ($status < 500 && !str_starts_with($problem, 'The server is busy')) {
                throw new Refused($problem, $status);
            }
        }
        throw new Unreachable($problem);
    }

    /** @return array{int, string, string} status, body, what went wrong */
    private function send(string $call, array $fields, ?string $once): array
    {
        $headers = ["Authorization: Bearer $this->key", 'Content-Type: application/x-www-form-urlencoded', 'Expect:'];
        if ($once !== null) {
            $headers[] = "Idempotency-Key: $once";
        }
        $body = '';
        $curl = curl_init("$this->url/api/$call");
        curl_setopt_array($curl, [
            CURLOPT_POSTFIELDS => http_build_query($fields),
            CURLOPT_HTTPHEADER => $headers,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            // A redirect would turn the POST into a GET, or carry the key elsewhere.
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_CONNECTTIMEOUT_MS => min(5000, $this->milliseconds),
            CURLOPT_TIMEOUT_MS => $this->milliseconds,
            CURLOPT_NOSIGNAL => true,
            CURLOPT_WRITEFUNCTION => static function ($curl, string $part) use (&$body): int {
                $body .= $part;
                return strlen($body) > self::MOST_BYTES ? 0 : strlen($part);
            },
        ]);
        $whole = curl_exec($curl);
        $problem = $whole === false ? curl_error($curl) : '';
        $status = (int) curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        // A part of an answer is none.
        return [$status, $whole === false ? '' : $body, $problem];
    }

    /** @param array|string $answer */
    private function note(string $call, array $fields, $answer): void
    {
        if ($this->log !== null) {
            $text = is_array($answer) ? json_encode(self::masked($answer)) : $answer;
            ($this->log)($call, self::masked($fields), str_replace($this->key, '***', (string) $text));
        }
    }

    private static function masked(array $fields): array
    {
        foreach ($fields as $name => $value) {
            if (is_array($value)) {
                $fields[$name] = self::masked($value);
            } elseif (in_array($name, ['password', 'token', 'api_key'], true) && (string) $value !== '') {
                $fields[$name] = '***';
            }
        }
        return $fields;
    }
}

<?php
// SPDX-License-Identifier: MIT OR Apache-2.0

declare(strict_types=1);

namespace WHMCS\Module\Server\Linecard;

use Linecard\Credentials;
use Linecard\Owner;
use Linecard\Refused;
use WHMCS\Database\Capsule;

/** A service of WHMCS and the line that it stands for. */
final class Service
{
    /** Seconds in which a client gets no second new password. */
    private const PAUSE = 30;

    private Shop $shop;
    private Options $options;
    private string $id;

    public function __construct(private array $params)
    {
        $this->id = (string) ($params['serviceid'] ?? '');
        if (!preg_match('/^[1-9]\d{0,17}$/D', $this->id)) {
            throw new Refused('WHMCS gave no number of the service');
        }
        $this->shop = Shop::of($params);
        $this->options = Options::of($params);
    }

    /**
     * Does something with the service and answers as WHMCS expects: `success`, or what went wrong.
     *
     * @param bool $forClients a client may see the answer
     */
    public static function act(array $params, callable $act, bool $forClients = false): string
    {
        try {
            $act(new self($params));
            return 'success';
        } catch (\Throwable $problem) {
            $told = !$forClients || defined('ADMINAREA') || ($problem instanceof Refused && $problem->isForClients());
            return $told ? $problem->getMessage() : 'This is not possible at the moment. Please try again later.';
        }
    }

    public function create(): void
    {
        $asked = $this->text('username');
        $own = $this->ownName();
        $usernames = array_values(array_unique([Credentials::fit($asked) ? $asked : $own, $own, "$own-" . bin2hex(random_bytes(3))]));
        $password = Credentials::fit($this->text('password')) ? $this->text('password') : Credentials::password();

        $end = $this->options->end($this->due());
        $data = $this->package();
        if ($end !== null || !$this->options->endsAsPlan()) {
            $data['expire_date'] = $end ?? '';
        }
        if ($this->email() !== '') {
            // WHMCS reminds its clients itself.
            $data += ['email' => $this->email(), 'reminders' => 0];
        }
        if (($reseller = $this->options->number('reseller')) !== null) {
            $data['reseller_id'] = $reseller;
        }
        $this->keep($this->shop->lines->sell($this->id, $usernames, $password, $this->owner(), $data)['line_info']);
    }

    public function suspend(): void
    {
        $this->change('suspend', ['disabled' => 1]);
    }

    public function unsuspend(): void
    {
        $this->change('unsuspend', ['disabled' => 0]);
    }

    /** A suspended service stays so: WHMCS orders that by itself, before or after. */
    public function renew(): void
    {
        $end = $this->options->end($this->due());
        if ($end !== null) {
            $this->shop->lines->extend($this->id, $this->owner(), $end);
        } elseif (!$this->options->endsAsPlan()) {
            $this->change('renew', ['expire_date' => '']);
        }
    }

    public function terminate(): void
    {
        if ($this->options->text('terminate') === 'delete') {
            $this->shop->lines->delete($this->id, $this->owner());
        } elseif ($this->shop->lines->find($this->id, $this->owner(), true) !== null) {
            $this->change('terminate', ['disabled' => 1]);
        }
    }

    /** Another plan, or other connections. The end is that of the due date, which may have moved either way. */
    public function changePackage(): void
    {
        $data = $this->package();
        $end = $this->options->end($this->due());
        if ($end !== null || !$this->options->endsAsPlan()) {
            $data['expire_date'] = $end ?? '';
        }
        $this->change('package', $data);
    }

    public function changePassword(): void
    {
        if (!Credentials::fit($this->text('password'))) {
            throw new Refused('Please choose a password of 1 to 64 letters, digits and - . _ ~ @');
        }
        $this->change('password', ['password' => $this->text('password')]);
    }

    public function newPassword(): void
    {
        $this->onlyByPost();
        $line = $this->look()['line_info'] ?? throw new Refused('There is no line of this service yet');
        if (!defined('ADMINAREA') && time() - $line['updated_at'] < self::PAUSE) {
            throw new Refused('This line was changed a moment ago: please wait half a minute');
        }
        $this->keep($this->change('password', ['password' => Credentials::password()])['line_info']);
    }

    public function disconnect(): void
    {
        $this->onlyByPost();
        $this->shop->lines->disconnect($this->id, $this->owner());
    }

    /** The line with its connections, or null. A page that is opened takes no line over. */
    public function look(): ?array
    {
        return $this->shop->lines->find($this->id, $this->owner());
    }

    /** WHMCS learns what the line is called: the server is right. */
    public function keep(array $line): void
    {
        if ($line['username'] === $this->text('username') && $line['password'] === $this->text('password')) {
            return;
        }
        $properties = $this->params['model']->serviceProperties ?? null;
        if (is_object($properties)) {
            $properties->save(['Username' => $line['username'], 'Password' => $line['password']]);
        }
    }

    /** Plan and connections as they were bought. */
    private function package(): array
    {
        return $this->shop->lines->package($this->options->number('plan') ?? 0, $this->options->number('connections'));
    }

    /** As WHMCS has it now: a model that was loaded before a payment may be behind its table. */
    private function due(): mixed
    {
        $row = Capsule::table('tblhosting')->where('id', (int) $this->id)->first();
        return $row->nextduedate ?? $this->params['model']->nextduedate ?? null;
    }

    private function change(string $event, array $data): array
    {
        return $this->shop->lines->change($this->id, $event, $data, $this->owner());
    }

    /** What WHMCS knows: the line has the username of the service, or one that is made of its number. */
    private function owner(): Owner
    {
        return new Owner([$this->text('username'), $this->ownName()], $this->text('password'), $this->email());
    }

    private function ownName(): string
    {
        return ($this->options->text('prefix') ?: 'tv') . $this->id;
    }

    private function email(): string
    {
        $email = $this->params['clientsdetails']['email'] ?? '';
        return is_string($email) ? trim($email) : '';
    }

    /** A link that somebody sends to a client must not do it. */
    private function onlyByPost(): void
    {
        if (!defined('ADMINAREA') && ($_SERVER['REQUEST_METHOD'] ?? '') !== 'POST') {
            throw new Refused('Please use the button on the page of the service');
        }
    }

    private function text(string $name): string
    {
        return is_scalar($this->params[$name] ?? null) ? trim((string) $this->params[$name]) : '';
    }
}

<?php
// A stand-in for WHMCS: what its documentation says that a server module gets and may call, and no more.

declare(strict_types=1);

namespace WHMCS\Database {
    /** Tables as arrays, with the few calls of the query builder that modules use. */
    final class Capsule
    {
        /** @var array<string, array<int, array>> */
        public static array $tables = [];
        private array $where = [];

        private function __construct(private string $name)
        {
        }

        public static function table(string $name): self
        {
            return new self($name);
        }

        public function where(string $column, mixed $value): self
        {
            $this->where[$column] = $value;
            return $this;
        }

        public function get(array $columns = ['*']): array
        {
            $rows = array_filter(self::$tables[$this->name] ?? [], function (array $row): bool {
                foreach ($this->where as $column => $value) {
                    if ((string) ($row[$column] ?? '') !== (string) $value) {
                        return false;
                    }
                }
                return true;
            });
            return array_map(fn (array $row) => (object) $row, array_values($rows));
        }

        public function first(): ?object
        {
            return $this->get()[0] ?? null;
        }
    }
}

namespace {
    use WHMCS\Database\Capsule;

    define('WHMCS', true);

    /** @var array<string> $logged what the module log has, after masking */
    $logged = [];
    $activity = [];
    $hooks = [];

    function logModuleCall(string $module, string $action, mixed $request, mixed $response, mixed $processed = '', array $secrets = []): void
    {
        global $logged;
        $logged[] = str_replace($secrets, '*****', json_encode([$action, $request, $response], JSON_UNESCAPED_SLASHES));
    }

    function logActivity(string $text): void
    {
        global $activity;
        $activity[] = $text;
    }

    function add_hook(string $name, int $priority, callable $act): void
    {
        global $hooks;
        $hooks[$name] = $act;
    }

    function localAPI(string $call, array $fields): array
    {
        check($call === 'ModuleCustom', "no stand-in for $call");
        $answer = Host::call($fields['serviceid'], $fields['func_name']);
        return $answer === 'success' ? ['result' => 'success'] : ['result' => 'error', 'message' => $answer];
    }

    final class Properties
    {
        public function __construct(private int $id)
        {
        }

        public function save(array $values): void
        {
            foreach ($values as $name => $value) {
                Capsule::$tables['tblhosting'][$this->id][strtolower($name)] = $value;
            }
        }
    }

    /** Services, and the module called for them as WHMCS calls it. */
    final class Host
    {
        public static array $server = [];

        public static function product(int $id, array $options): void
        {
            $row = ['id' => $id, 'servertype' => 'linecard'];
            foreach ($options as $place => $value) {
                $row['configoption' . ($place + 1)] = (string) $value;
            }
            Capsule::$tables['tblproducts'][$id] = $row;
        }

        public static function service(int $id, int $product, string $due, array $more = []): void
        {
            Capsule::$tables['tblhosting'][$id] = $more + [
                'id' => $id, 'packageid' => $product, 'server' => 1, 'domainstatus' => 'Pending', 'username' => '', 'password' => '', 'nextduedate' => $due,
            ];
        }

        public static function set(int $id, array $values): void
        {
            Capsule::$tables['tblhosting'][$id] = $values + Capsule::$tables['tblhosting'][$id];
        }

        public static function params(int $id): array
        {
            $row = Capsule::$tables['tblhosting'][$id];
            $model = (object) ['nextduedate' => $row['nextduedate'], 'billingcycle' => 'Monthly', 'serviceProperties' => new Properties($id)];
            return self::$server + Capsule::$tables['tblproducts'][$row['packageid']] + [
                'serviceid' => $id, 'userid' => 7, 'pid' => $row['packageid'], 'domain' => '', 'username' => $row['username'], 'password' => $row['password'],
                'producttype' => 'other', 'moduletype' => 'linecard', 'clientsdetails' => ['email' => $row['email'] ?? "client$id@example.com"],
                'customfields' => [], 'configoptions' => $row['configoptions'] ?? [], 'model' => $model,
            ];
        }

        public static function call(int $id, string $function): string
        {
            return ('linecard_' . $function)(self::params($id));
        }

        /** As staff do: again until it is done. */
        public static function until(int $id, string $function): void
        {
            for ($try = 0; $try < 5; $try++) {
                $answer = self::call($id, $function);
                if ($answer === 'success') {
                    return;
                }
                check(str_contains($answer, 'safe to try again') || str_contains($answer, 'try again later'), "$function: $answer");
            }
            check(false, "$function never succeeded: $answer");
        }
    }
}

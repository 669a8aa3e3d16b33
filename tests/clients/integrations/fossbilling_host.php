<?php
// A stand-in for FOSSBilling: the container, orders, and what the order module does around a product type's calls.

declare(strict_types=1);

namespace Pimple {
    class Container extends \ArrayObject
    {
    }
}

namespace FOSSBilling {
    interface InjectionAwareInterface
    {
        public function setDi(\Pimple\Container $di): void;

        public function getDi(): ?\Pimple\Container;
    }

    class InformationException extends \Exception
    {
    }
}

namespace {
    class Api_Abstract
    {
        public function __construct(private object $service, private object $identity)
        {
        }

        public function getService(): object
        {
            return $this->service;
        }

        public function getIdentity(): object
        {
            return $this->identity;
        }
    }

    class Box_Event
    {
        public function __construct(private \Pimple\Container $di, private array $parameters)
        {
        }

        public function getDi(): \Pimple\Container
        {
            return $this->di;
        }

        public function getParameters(): array
        {
            return $this->parameters;
        }
    }

    /** Tables in SQLite's stead: the few statements of the module, matched by what they begin with. */
    final class Tables
    {
        public array $orders = [];
        public array $services = [];

        public function exec(string $sql): void
        {
            check(str_contains($sql, 'CREATE TABLE IF NOT EXISTS service_linecard'), $sql);
        }

        public function getRow(string $sql, array $values): array
        {
            if (str_contains($sql, 'FROM client ')) {
                return ['email' => "client$values[id]@example.com"];
            }
            $row = $this->orders[$values['id']] ?? [];
            return $row !== [] && $row['service_type'] === $values['type'] ? $row : [];
        }

        public function getAll(string $sql, array $values): array
        {
            $rows = array_filter($this->orders, fn (array $row) => $row['service_type'] === $values['type'] && $row['status'] === $values['status'] && $row['id'] > $values['after']);
            ksort($rows);
            return array_slice(array_values($rows), 0, 1000);
        }

        public function dispense(string $table): object
        {
            same($table, 'service_linecard', 'its table');
            return new stdClass();
        }

        public function store(object $row): void
        {
            $row->id ??= count($this->services) + 1;
            $this->services[$row->id] = $row;
        }

        public function trash(object $row): void
        {
            unset($this->services[$row->id]);
        }
    }

    final class Period
    {
        public function __construct(private string $code)
        {
        }

        public function getExpirationTime(?int $from = null): int
        {
            return strtotime('+' . (int) $this->code . ['D' => ' days', 'M' => ' months', 'Y' => ' years'][substr($this->code, -1)], $from ?? time());
        }
    }

    /** Orders as FOSSBilling works on them: the module first, then its own row, then the event. */
    final class Orders
    {
        public \Pimple\Container $di;
        public Tables $tables;
        public array $settings = ['order' => []];
        public array $logged = [];
        /** 0: beans, 1: entities, 2: arrays, by the version. */
        public int $shape = 0;

        public function __construct(public object $service)
        {
            $this->tables = new Tables();
            $log = function (string $text): void {
                $this->logged[] = $text;
            };
            $this->di = new \Pimple\Container([
                'db' => $this->tables,
                'mod_config' => fn (string $name): array => $this->settings[$name] ?? [],
                'period' => fn (string $code): Period => new Period($code),
                'logger' => new class ($log) {
                    public function __construct(private $log)
                    {
                    }

                    public function __call(string $level, array $given): void
                    {
                        ($this->log)($given[0]);
                    }
                },
            ]);
            $service->setDi($this->di);
            $service->install();
        }

        public function place(int $id, array $product, string $period = '1M', array $more = []): void
        {
            $config = $this->service->attachOrderConfig((object) ['config' => json_encode($product)], $more);
            $this->tables->orders[$id] = [
                'id' => $id, 'client_id' => 7, 'service_type' => 'linecard', 'status' => 'pending_setup', 'period' => $period, 'expires_at' => null,
                'config' => json_encode($config), 'service' => null,
            ];
        }

        /** Throws what the module throws, as FOSSBilling then marks the order failed. */
        public function call(int $id, string $action): void
        {
            $row = &$this->tables->orders[$id];
            $order = [(object) $row, new class ($id) {
                public function __construct(private int $id)
                {
                }

                public function getId(): int
                {
                    return $this->id;
                }
            }, $row][$this->shape];
            if ($action === 'activate') {
                $row['service'] ??= $this->service->create($order);
            }
            $this->service->$action($order, $row['service']);
            if ($action === 'delete') {
                unset($this->tables->orders[$id]);
                return;
            }
            if ($row['period'] !== '' && ($action === 'activate' || $action === 'renew')) {
                $old = $row['expires_at'] === null || $action === 'activate' ? time() : strtotime($row['expires_at']);
                $from = match ($this->settings['order']['order_renewal_logic'] ?? '') {
                    'from_today' => time(), 'from_greater' => max(time(), $old), default => $old,
                };
                $row['expires_at'] = date('Y-m-d H:i:s', (new Period($row['period']))->getExpirationTime($from));
            }
            $row['status'] = ['suspend' => 'suspended', 'cancel' => 'canceled'][$action] ?? 'active';
            $event = 'onAfterAdminOrder' . ucfirst($action);
            if (method_exists($this->service, $event)) {
                $this->service::$event(new Box_Event($this->di, ['id' => $id]));
            }
        }

        public function until(int $id, string $action): void
        {
            for ($try = 0; $try < 5; $try++) {
                try {
                    $this->call($id, $action);
                    return;
                } catch (Linecard\Unreachable) {
                    continue;
                }
            }
            check(false, "$action never succeeded");
        }
    }
}

"""Settings, frozen, with units in their names. Read once at start; nothing reads the environment later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

CONTROL_PORT = 8600
FEED_PORT = 8610
DESK_PORT = 8650
GATEWAY_PORT = 8700
UPSTREAM_PORT = 8800
CLOCK_BOUND_MS = 300_000
"""How far the control plane's clock and a gateway's may differ. Each may be wrong by half of it."""
RESERVE_BYTES = 256 * 1024 * 1024
UNFINISHED_BYTES_MAX = 256 * 1024 * 1024
HELD_EVENT_BYTES_MAX = 256 * 1024 * 1024
BODY_BYTES_MAX = 32 * 1024 * 1024
TEXT_BYTES_MAX = 8 * 1024 * 1024
REQUEST_DAYS = 30
CLIENT_CERT = "SLUICEGATE_CLIENT_CERT"
"""The variable that names a PEM file with a certificate and its key, which programs show to a control plane
and a feed.
"""
FIRST_GATEWAY = "gateway-1"
"""The gateway whose token is made with a new log."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What an HTTP server takes from those who call it, and how long it waits for them."""

    max_connections: int = 4_096
    """How many connections are open. A server that may have fewer files has fewer."""
    max_connections_of_address: int = 256
    """How many of one address: one of IPv4, or 64 bits of IPv6."""
    max_pipelined: int = 16
    """How many requests of one connection may wait for their turn."""
    max_head_bytes: int = 32 * 1024
    max_target_bytes: int = 8 * 1024
    send_buffer_bytes: int = 64 * 1024
    head_timeout_ms: int = 10_000
    """How long a request's head may take, from the opening of the connection or the first byte."""
    body_timeout_ms: int = 60_000
    """How long a body may take, from when it is read."""
    write_timeout_ms: int = 30_000
    """How long a client may take to read what waits for it."""
    idle_timeout_ms: int = 75_000
    """How long a connection may wait for the next request."""
    stop_grace_ms: int = 2_000
    """How long answers may take to end after a signal to stop."""
    requests_per_second: int = 100
    """How many requests one address may send without a token, on average."""
    burst: int = 200
    """How many of them at once."""
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks of our proxies: the last address in their `X-Forwarded-For` is that of a request."""


GATEWAY_HTTP = HttpSettings(
    max_connections=16_384,
    max_connections_of_address=16_384,
    max_head_bytes=64 * 1024,
    head_timeout_ms=30_000,
    body_timeout_ms=30_000,
    stop_grace_ms=5_000,
)
"""A gateway's clients share addresses, keep connections open for long, and send many fields."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: a server's certificate with those between it and its authority, its key, and the authorities
    that must certify its clients; None: it asks them for no certificate.
    """

    cert: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class UpstreamTarget:
    """Where a model is served: `base_url` without `/v1`, the key to send there, if any, and the keys of
    accounts that grants have to themselves there, by grant.

    For https, `ca_file` has the authorities that may certify it; None: those that this machine trusts.
    """

    base_url: str
    api_key: str = field(default="", repr=False)
    ca_file: Path | None = None
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """One gateway process: it serves one surface."""

    surface: str
    control_url: str
    """Where its use is reported to."""
    feed_url: str
    token: str = field(repr=False)
    log_vkey: str
    upstreams: Mapping[str, UpstreamTarget]
    state_dir: Path
    trust_file: Path | None = None
    """The trust file for this gateway's own checks; None to believe the log."""
    name: str = "gateway-1"
    host: str = "127.0.0.1"
    port: int = GATEWAY_PORT
    max_body_bytes: int = BODY_BYTES_MAX
    """The longest body where pictures travel, also once it is decompressed."""
    max_text_bytes: int = TEXT_BYTES_MAX
    """The longest body of the other endpoints, and how much of a body may be other than pictures."""
    max_unfinished_bytes: int = UNFINISHED_BYTES_MAX
    """How much all bodies together may hold that are not complete or being read; one organization a quarter
    of that.
    """
    cors_origins: tuple[str, ...] = ()
    """The origins whose pages may call, such as `https://app.example`."""
    max_refused_bytes_per_minute: int = 64 * 1024 * 1024
    """How much is read for one organization's requests that are refused."""
    max_event_bytes: int = 32 * 1024 * 1024
    """The largest event of a stream: one with a picture has several MiB."""
    max_held_event_bytes: int = HELD_EVENT_BYTES_MAX
    """How much all streams together may hold of events that are incomplete, or that their clients have not
    taken yet.
    """
    max_flights_of_organization: int = 0
    """How many requests of one organization may be in flight at once; 0: a quarter of the connections."""
    max_flights_of_key: int = 0
    """How many of one key; 0: half of its organization's."""
    keep_alive_ms: int = 15_000
    """After how long a silence a stream gets a comment or ping, so that no one takes it for dead."""
    clock_bound_ms: int = CLOCK_BOUND_MS
    """How far the control plane's clock and this machine's may differ."""
    cut_grace_ms: int = 250
    """How long a cut stream's error event may take to leave, before the connection is aborted."""
    max_upstream_connections: int = 16_384
    """How many connections to one upstream may be open. Further calls fail at once."""
    upstream_connect_ms: int = 5_000
    upstream_idle_ms: int = 600_000
    """How long an upstream may be silent."""
    http: HttpSettings = GATEWAY_HTTP
    tls: TlsFiles | None = None
    client_cert: Path | None = None
    """A PEM file with the certificate and key that it shows to its feed and control plane."""
    request_log: str = ""
    """Where a line for each request goes: a file, `-` for standard output, or empty for nowhere."""
    request_log_one_in: int = 1
    """Of how many requests that were allowed and answered one has a line. All others have theirs."""
    request_days: int = REQUEST_DAYS
    """For how many days the request book keeps under what each request ran; 0: there is no book."""
    request_key: Path | None = None
    """The file with the book's secret; None: `requests.key` in the state folder."""
    max_request_book_bytes: int = 1024 * 1024 * 1024
    """How large the book may be. Beyond that its oldest part goes."""
    spans: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The environment of the process that sends spans, as `gate.span_log` makes it; empty: no spans."""


@dataclass(frozen=True, slots=True)
class PostSettings:
    """How letters are sent. Without `smtp_host`, none goes by e-mail."""

    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that are not public, but that webhooks may still reach."""
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: str = field(default="", repr=False)
    mail_from: str = ""
    timeout_ms: int = 15_000
    """How long one attempt may take."""
    max_sending: int = 32
    """How many letters may be sent at the same time."""


@dataclass(frozen=True, slots=True)
class DailyLimits:
    """How much one party may have written to the ledger in a day, by what is counted. Each is at least 1.

    A party is an applicant with all its people, an agency, or an organization of one legal name with a
    grant, whatever tokens act for it. `people` counts invitations, and who becomes an administrator; a link
    that someone makes for themselves is counted for them alone.
    `corrections` are those of one person, `corrections_of_members` those of all members of an organization.
    `members` counts rows. `directive_bytes` is what directives come to, `bytes` what all other counted acts
    do.
    """

    applications: int = 100
    drafts: int = 500
    choices: int = 50
    keys: int = 2_000
    members: int = 200_000
    claims: int = 10_000
    links: int = 10_000
    corrections: int = 20
    corrections_of_members: int = 20_000
    signers: int = 100
    subscriptions: int = 200
    people: int = 200
    cases: int = 200
    promises: int = 100
    positions: int = 5_000
    observations: int = 10_000
    directives: int = 1_000
    directive_bytes: int = 512 * 1024 * 1024
    repeats: int = 5_000
    bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SafetySource:
    """A model's provider whose safety webhooks come in: the party that they are findings of.

    `secret` verifies them; `key` is the file of the party's private key, which signs the findings. They are
    of the `level`, and their details are sealed to the keys of the parties `seal_to`.
    """

    party: str
    secret: bytes = field(repr=False)
    key: Path
    level: str
    seal_to: tuple[str, ...]


SCOPE = "openid email"
"""What a provider is asked to say of a person."""


@dataclass(frozen=True, slots=True)
class PersonRule:
    """Who a provider lets in: someone of who it says `value`, or a list with it, as the claim.

    They come in as the principal of a role and a name.
    """

    claim: str
    value: str
    role: str
    name: str
    party: str | None = None


@dataclass(frozen=True, slots=True)
class SignInProvider:
    """An OpenID provider by which people sign in to the pages. `name` is in addresses, `title` is shown.

    `ca_file` has the authorities that may certify it; None: those that this machine trusts.
    """

    name: str
    title: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    people: tuple[PersonRule, ...]
    scope: str = SCOPE
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """One control-plane process."""

    state_dir: Path
    trust_file: Path
    origin: str
    host: str = "127.0.0.1"
    port: int = CONTROL_PORT
    limits: DailyLimits = DailyLimits()
    reserve_bytes: int = RESERVE_BYTES
    """How much of the disk is kept for what narrows access."""
    clock_is_right: bool = False
    """Whether the operator says that the wall clock is right, however far it is from the last time known."""
    post: PostSettings = PostSettings()
    tls: TlsFiles | None = None
    http: HttpSettings = HttpSettings()
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Where requests go, by surface: the address of the gateways, or of what is in front of them."""
    safety: tuple[SafetySource, ...] = ()
    """Whose safety webhooks come in."""
    pages_origin: str = ""
    """Where people reach the pages, such as `https://release.example`; empty: on this machine alone."""
    providers: tuple[SignInProvider, ...] = ()
    """By which people sign in to the pages, beside passkeys and tokens."""


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """An agency's desk: one process, with a folder of its own."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = DESK_PORT
    pages_origin: str = ""
    """Where its people reach it, such as `https://desk.agency.example`; empty: on this machine alone."""
    tls: TlsFiles | None = None
    http: HttpSettings = HttpSettings()


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """One feed: a process beside a control plane, on its state folder."""

    state_dir: Path
    name: str = "feed-1"
    host: str = "127.0.0.1"
    port: int = FEED_PORT
    max_entries: int = 500
    """How many entries one answer has at most."""
    tls: TlsFiles | None = None
    http: HttpSettings = HttpSettings()

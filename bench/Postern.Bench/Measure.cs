namespace Postern.Bench;

/// <summary>One row of the result.</summary>
/// <param name="Name">The name for <c>--only</c>, also the key in the JSON output.</param>
/// <param name="Title">What is measured, in a table's words; <c>{0}</c> is the number of parked clients or connecting ones.</param>
/// <param name="Unit">The unit of both figures; empty for a plain number.</param>
/// <param name="Goal">What Postern is to reach.</param>
internal sealed record Measure(string Name, string Title, string Unit, Goal Goal)
{
    public static readonly Measure Handoff = new("handoff", "CPU per client handed off, permitted by the access list", "µs", Goal.Share(3));
    public static readonly Measure HandoffOld = new("handoff-old", "CPU per client handed off, on the temporary allowlist (PASS OLD)", "µs", Goal.Share(3));
    public static readonly Measure Reject = new("reject", "CPU per early talker rejected with 521, nobody else parked", "µs", Goal.Share(3.5));
    public static readonly Measure RejectParked = new("reject-parked", "… with {0} clients parked", "µs", Goal.Share(10));
    public static readonly Measure Dialogue = new("dialogue", "CPU per dialogue with the dummy engine: EHLO, MAIL, RCPT (550), QUIT", "µs", Goal.Share(2.5));
    public static readonly Measure Lookup = new("lookup", $"CPU per look-up in a DNS list, {DnsLists.Count} for each client, who is refused with 521", "µs", Goal.Share(2));
    public static readonly Measure LookupRate = new("lookup-rate", "… look-ups per second, 50 clients at a time", "/s", Goal.None);
    public static readonly Measure Tls = new("tls", "dialogues with STARTTLS per second, TLS 1.3, ECDSA P-256, 50 at a time", "/s", Goal.Times(1));
    public static readonly Measure TlsCpu = new("tls-cpu", "… CPU per dialogue", "µs", Goal.None);
    public static readonly Measure TlsTime = new("tls-time", "… time of a dialogue, median", "ms", Goal.None);
    public static readonly Measure TlsRsa = new("tls-rsa", "… per second with RSA of 2048 bits", "/s", Goal.Times(1));
    public static readonly Measure TlsRsaCpu = new("tls-rsa-cpu", "… CPU per dialogue", "µs", Goal.None);
    public static readonly Measure TlsRsaTime = new("tls-rsa-time", "… time of a dialogue, median", "ms", Goal.None);
    public static readonly Measure Growth = new("growth", "… growth from 0 to {0} parked, Postern alone", "x", Goal.AtMost(1.3));
    public static readonly Measure LaneCpu = new("lane-cpu", "CPU per client handed off, permitted by the access list: growth from 0 to {0} in a slow lane, Postern alone", "x", Goal.AtMost(1.1));
    public static readonly Measure LaneTime = new("lane-time", "… growth of its median time to the final 220", "x", Goal.AtMost(1.1));
    public static readonly Measure LaneMemory = new("lane-memory", "… private memory per client in the lane", "bytes", Goal.AtMost(300));
    public static readonly Measure Watched = new("watched", "CPU per client handed off, permitted by the access list: growth with event log, metrics and an open page, Postern alone", "x", Goal.AtMost(1.05));
    public static readonly Measure WatchedReject = new("watched-reject", "… the same for an early talker rejected with 521", "x", Goal.AtMost(1.05));
    public static readonly Measure Memory = new("memory", "private memory per parked client, {0} parked", "bytes", Goal.Share(4));
    public static readonly Measure Total = new("total", "… private memory in total, {0} parked", "MB", Goal.None);
    public static readonly Measure Burst = new("burst", "{0} clients connect within a second: lateness of the final 220, p99 of those served", "ms", Goal.AtMost(250));
    public static readonly Measure Lost = new("lost", "… clients never served", "", Goal.AtMost(0));
    public static readonly Measure Recording = new("recording", "teaser, p99, while {0} new clients are recorded in the allowlist", "ms", Goal.AtMost(50));
    public static readonly Measure TableStart = new("table-start", "access list with 1,100,000 cidr rules: exec to the first teaser, against an empty one", "x", Goal.AtMost(1.2));
    public static readonly Measure TableMemory = new("table-memory", "… private memory of the rules", "MB", Goal.AtMost(40));
    public static readonly Measure TableMemoryChanged = new("table-memory-changed", "… and after the file has changed", "MB", Goal.AtMost(40));
    public static readonly Measure TableLookup = new("table-lookup", "… CPU of a look-up: an early talker's, less that with an empty list", "µs", Goal.AtMost(1));
    public static readonly Measure TableChange = new("table-change", "… teaser, p99, while the file changes", "ms", Goal.AtMost(5));
    public static readonly Measure Start = new("start", "restart: exec to listening (postscreen: its master)", "ms", Goal.AtMost(50));
    public static readonly Measure Teaser = new("teaser", "… exec to the first teaser", "ms", Goal.AtMost(50));
    public static readonly Measure Idle = new("idle", "private memory, idle", "MB", Goal.AtMost(8));

    /// <summary>Every measure, in the order of the table.</summary>
    public static readonly IReadOnlyList<Measure> All =
    [
        Handoff, HandoffOld, Reject, RejectParked, Growth, LaneCpu, LaneTime, LaneMemory, Watched, WatchedReject, Dialogue, Lookup, LookupRate, Tls, TlsCpu, TlsTime, TlsRsa, TlsRsaCpu, TlsRsaTime,
        Memory, Total, Burst, Lost, Recording, TableStart, TableMemory, TableMemoryChanged, TableLookup, TableChange, Start, Teaser, Idle,
    ];
}

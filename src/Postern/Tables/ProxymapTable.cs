using System.Diagnostics;
using Postern.Core;
using Postern.Core.Tables;
using Postern.Core.Versions;

namespace Postern.Tables;

/// <summary>
/// A table that Postfix's proxymap(8) looks up for us: <c>proxy:type:name</c>, and the types that only Postfix has the
/// code for. The loop waits for the answer, as postscreen does, but not long: a look-up that takes too long is an error,
/// and then there is a pause in which each look-up is one.
/// </summary>
internal sealed class ProxymapTable : ILiveTable
{
    private const double SlowMilliseconds = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BetweenComplaints = TimeSpan.FromSeconds(60);

    private readonly ProxymapClient _client;
    private readonly string _table;
    private long _pauseEnds = long.MinValue; // Stopwatch's time
    private long _nextComplaint = long.MinValue;
    private double _averageMilliseconds;

    private ProxymapTable(string name, string table, string socketPath, bool sendsInstanceFlags)
    {
        (Name, _table) = (name, table);
        _client = new ProxymapClient(socketPath, Patience, sendsInstanceFlags);
        var answer = _client.Open(table);
        OpenError = Explain(answer);
        OpenRemedy = answer.Status switch
        {
            ProxymapStatus.Denied => $"add proxy:{table} to proxy_read_maps in Postfix's main.cf, then postfix reload",
            ProxymapStatus.Unreachable or ProxymapStatus.TimedOut => "start Postfix on this machine, whose proxymap service has to be in its master.cf",
            _ => $"see what Postfix says of it: postmap -q 192.0.2.7 {table}",
        };
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public string? OpenError { get; private set; }

    /// <inheritdoc />
    public string? OpenRemedy { get; private set; }

    /// <param name="socketPath">Where proxymap(8) listens.</param>
    /// <param name="tableOf">The table's name as proxymap(8) is to open it.</param>
    /// <param name="postfix">Whose proxymap(8) it probably is.</param>
    public static TableParser Parser(string socketPath, PostfixVersion postfix, Func<TableSource, string> tableOf) =>
        (TableSource source, IWarningSink warnings, out string? problem) =>
        {
            problem = null;
            return new ProxymapTable(source.Name, tableOf(source), socketPath, PostfixDifferences.ProxymapProtocol.IsIn(postfix));
        };

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        var start = Stopwatch.GetTimestamp();
        if (start < _pauseEnds)
        {
            warnings.Warn($"{Name} is unavailable. {OpenError}");
            return LookupResult.Error;
        }

        var answer = _client.Lookup(_table, key);
        WatchDelay(start, warnings);
        OpenError = Explain(answer);
        if (OpenError is null)
            return answer.Status == ProxymapStatus.Found ? LookupResult.Found(answer.Value) : LookupResult.NotFound;
        warnings.Warn(OpenError);
        if (answer.Status == ProxymapStatus.TimedOut)
            _pauseEnds = Stopwatch.GetTimestamp() + (long)(Pause.TotalSeconds * Stopwatch.Frequency);
        return LookupResult.Error;
    }

    /// <inheritdoc />
    public void Refresh(ITextFiles files, IWarningSink warnings)
    {
        // Each look-up asks for what the table holds now.
    }

    private string? Explain(ProxymapAnswer answer) => answer.Status switch
    {
        ProxymapStatus.Found or ProxymapStatus.NoKey => null,
        ProxymapStatus.Denied => $"the proxymap service is not configured for table \"{_table}\": add proxy:{_table} to proxy_read_maps",
        ProxymapStatus.Retry => $"proxymap: table \"{_table}\" lookup error",
        ProxymapStatus.BadRequest => "proxymap: the service does not understand the request",
        ProxymapStatus.BadTable => $"proxymap: table \"{_table}\" is not configured properly",
        _ => $"{Name}: Postfix's proxymap service, which is to look it up, does not answer: {answer.Value}",
    };

    /// <summary>Tells, once a minute, when look-ups take long on average: they keep all clients waiting.</summary>
    private void WatchDelay(long start, IWarningSink warnings)
    {
        _averageMilliseconds = (0.1 * Stopwatch.GetElapsedTime(start).TotalMilliseconds) + (0.9 * _averageMilliseconds);
        if (_averageMilliseconds <= SlowMilliseconds || start < _nextComplaint)
            return;
        _nextComplaint = start + (long)(BetweenComplaints.TotalSeconds * Stopwatch.Frequency);
        warnings.Warn($"psc_dict_get: {_table} lookup average delay is {_averageMilliseconds:0} ms");
    }
}

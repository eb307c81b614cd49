using System.Net;
using Postern.Control;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Events;
using Postern.Logging;
using Postern.Loop;
using Postern.Metrics;
using Postern.ProcessLife;
using Postern.Providers;
using Postern.Relay;
using Postern.Storage;

namespace Postern;

/// <summary>
/// What lets the administrator see: the event log, the control socket and the figures for monitoring. None of it is needed
/// to serve clients, and none of it makes the loop wait.
/// </summary>
/// <param name="loop">Tells of each client, and is asked.</param>
/// <param name="log">Takes warnings.</param>
/// <param name="tag">Under which name.</param>
/// <param name="clock">The time.</param>
/// <param name="services">At work; asked on the loop's thread.</param>
/// <param name="allowlists">By map; asked on the loop's thread.</param>
/// <param name="readNow">Takes over what a table's file holds that was just written; says why it does not. Not for the loop's thread.</param>
/// <param name="pages">The command that shows pages to people, without its last argument.</param>
/// <param name="providers">The state of the providers; on any thread.</param>
internal sealed class Observation(
    EventLoop loop, MailLog log, LogTag tag, TimeProvider clock, IReadOnlyDictionary<string, RunningService> services, IReadOnlyDictionary<string, TemporaryAllowlist> allowlists, Func<string, string?> readNow, IReadOnlyList<string> pages, Func<IReadOnlyList<ProviderState>> providers) : IDisposable
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(2);

    private readonly LoopQuestions _loop = new(loop.Post);
    private readonly DateTimeOffset _started = clock.GetUtcNow();
    private readonly PageServer _pages = new(pages, problem => log.WriteNow(tag, LogSeverity.Warning, $"postern_http: {problem}"));
    private readonly Retries _retries = new(RetryPause);
    private ProcessSettings? _wanted; // the sockets; null: none
    private EventLog? _events;
    private ControlSocket? _control;
    private HttpEndpoint? _http;
    private DateTimeOffset? _countedSince;
    private ClientCounts _counts = new();

    /// <summary>
    /// Begins the event log that the settings name, in place of the one that is open. Root opens it as the file will be that
    /// follows it after a rotation, and as who shows pages can read it.
    /// </summary>
    public void OpenEventLog(ProcessSettings process)
    {
        var before = _events;
        _events = process.EventLog is { } path
            ? EventLog.Open(path, Privileges.KeeperOf(process.MailOwner), clock, text => log.WriteNow(tag, LogSeverity.Warning, text)) : null;
        Watch();
        if (before is not null)
            ThreadPool.QueueUserWorkItem(_ => before.Dispose()); // which waits for what it still has to write
    }

    /// <summary>Opens the sockets that the settings name, in place of those that are open. Clients are served without, too.</summary>
    /// <param name="isTakenOver">Whether another process of ours, which is about to end, may still have them.</param>
    /// <param name="isLastChance">Whether their place will be out of reach. Else what does not work now is tried again.</param>
    public void OpenSockets(ProcessSettings process, bool isTakenOver, bool isLastChance)
    {
        _wanted = isLastChance ? null : process;
        OpenControlSocket(process, isTakenOver);
        OpenHttp(process, isTakenOver);
        Watch();
    }

    /// <summary>Another configuration is in force. On the loop's thread.</summary>
    public void Apply(ProcessSettings before, ProcessSettings now)
    {
        if (now.EventLog != before.EventLog)
        {
            OpenEventLog(now);
            Reopen();
        }

        _wanted = now;
        if (now.ControlSocket != before.ControlSocket || now.HttpAccessFile != before.HttpAccessFile || _control is not { IsInPlace: true })
            OpenControlSocket(now, isTakenOver: false);
        if (now.Http != before.Http || _http is null)
            OpenHttp(now, isTakenOver: false);
        if (now.Http is null && before.Http is not null)
            (_countedSince, _counts) = (null, new ClientCounts());
        _pages.Renew();
        Watch();
    }

    /// <summary>After log files were rotated, or with the rights of another user.</summary>
    public void Reopen() => _events?.Reopen();

    /// <summary>Another process of ours goes on: it is the one to be asked.</summary>
    public void CloseSockets()
    {
        _wanted = null;
        _retries.Remove("control");
        _retries.Remove("http");
        _http?.Dispose();
        _control?.Dispose();
        (_http, _control) = (null, null);
    }

    public void Dispose()
    {
        CloseSockets();
        _retries.Dispose();
        _pages.Dispose();
        _events?.Dispose();
    }

    /// <summary>Facts are collected only while somebody wants them.</summary>
    private void Watch()
    {
        var events = _events;
        if (_http is not null)
            _countedSince ??= clock.GetUtcNow();
        var counts = _counts;
        loop.ClientsLeft = _countedSince is null ? events is null ? null : events.Add : sessions =>
        {
            foreach (var session in sessions)
                counts.Add(session);
            events?.Add(sessions);
        };
    }

    private void OpenControlSocket(ProcessSettings process, bool isTakenOver)
    {
        _retries.Remove("control");
        _control?.Dispose();
        string? problem = null;
        _control = process.ControlSocket is null ? null : TryControlSocket(process, isTakenOver, out problem);
        if (problem is null)
            return;
        log.Write(tag, LogSeverity.Warning, $"postern_control_socket: {problem} -- commands will not find this process");
        Retry("control", process, () => TryControlSocket(process, isTakenOver: false, out _), () => _control is null, socket =>
        {
            _control = socket;
            log.Write(tag, LogSeverity.Info, $"postern_control_socket: listening on {process.ControlSocket}");
        });
    }

    /// <summary>On a thread that may wait for a disk; what came of it is taken on the loop's thread, if it is still wanted.</summary>
    private void Retry<T>(string what, ProcessSettings process, Func<T?> open, Func<bool> isMissing, Action<T> take) where T : class, IDisposable
    {
        if (!ReferenceEquals(_wanted, process))
            return;
        _retries.Add(what, () =>
        {
            if (open() is not { } opened)
                return false;
            loop.Post(() =>
            {
                if (ReferenceEquals(_wanted, process) && isMissing())
                    take(opened);
                else
                    opened.Dispose();
            });
            return true;
        });
    }

    private ControlSocket? TryControlSocket(ProcessSettings process, bool isTakenOver, out string? problem)
    {
        var ofAllowlists = new AllowlistCommands(allowlists.GetValueOrDefault, _loop);
        var ofClients = new ClientCommands(loop.CopyClients, _loop);
        var ofAccess = new AccessCommands(new AccessFile(process.HttpAccessFile!), Forget, readNow, LogAccess, clock);
        return ControlSocket.Open(
            process.ControlSocket!,
            isTakenOver,
            (words, body, answer) =>
            {
                switch (words[0])
                {
                    case "providers":
                        foreach (var state in providers())
                            answer.WriteLine(state.Describe());
                        return null;
                    case "allowlist":
                        return ofAllowlists.Answer(words[1..], body, answer);
                    case "access":
                        return ofAccess.Answer(words[1..], answer);
                    case "clients":
                        return ofClients.Answer(words[1..], answer);
                    case "figures":
                        answer.WriteLine(Figures());
                        return null;
                    default:
                        return $"no such request: {words[0]}";
                }
            },
            out problem);
    }

    private bool Forget(IpAddress client) => _loop.Ask(() => allowlists.Values.Aggregate(false, (wasKnown, allowlist) => allowlist.Forget(client) || wasKnown));

    private void LogAccess(string text, bool isWarning) => log.WriteNow(tag, isWarning ? LogSeverity.Warning : LogSeverity.Info, text);

    private void OpenHttp(ProcessSettings process, bool isTakenOver)
    {
        _retries.Remove("http");
        _http?.Dispose();
        string? problem = null;
        _http = process.Http is null ? null : TryHttp(process, isTakenOver, out problem);
        if (problem is null)
            return;
        log.Write(tag, LogSeverity.Warning, $"postern_http: {problem} -- there will be no figures for monitoring");
        Retry("http", process, () => TryHttp(process, isTakenOver: false, out _), () => _http is null, endpoint =>
        {
            _http = endpoint;
            Watch();
            log.Write(tag, LogSeverity.Info, $"postern_http: listening on {endpoint.Address}");
        });
    }

    private HttpEndpoint? TryHttp(ProcessSettings process, bool isTakenOver, out string? problem)
    {
        var endpoint = process.Http!.Value;
        return HttpEndpoint.Open(new IPEndPoint(IPAddress.Parse(endpoint.Address.ToString()), endpoint.Port), isTakenOver, Find, _pages.TryTake, out problem);
    }

    private Func<string, HttpAnswer>? Find(string path) => path is "/metrics" or "/healthz" or "/readyz" ? accept => Answer(path, accept) : null;

    private HttpAnswer Answer(string path, string accept)
    {
        try
        {
            switch (path)
            {
                case "/metrics":
                    var start = clock.GetTimestamp();
                    var isOpenMetrics = MetricsText.IsOpenMetricsWanted(accept);
                    return new(200, MetricsText.ContentType(isOpenMetrics), _loop.Ask(() => Measure(clock.GetElapsedTime(start)).Write(isOpenMetrics)));
                case "/healthz":
                    _ = _loop.Ask(static () => true);
                    return new(200, "text/plain", "ok\n");
                default:
                    return _loop.Ask(() => loop.Listeners.Count > 0) ? new(200, "text/plain", "ready\n") : new(503, "text/plain", "stopping\n");
            }
        }
        catch (TimeoutException)
        {
            return new HttpAnswer(503, "text/plain", "the event loop does not answer\n");
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            return new HttpAnswer(500, "text/plain", $"internal error: {bug}\n"); // who asks must not end the daemon
        }
    }

    // Who asks for the first time has clients counted from then on: until somebody does, a parked client does not pay for it.
    private string Figures()
    {
        var start = clock.GetTimestamp();
        return _loop.Ask(() =>
        {
            if (_countedSince is null)
            {
                _countedSince = clock.GetUtcNow();
                Watch();
            }

            return FiguresText.Write(Measure(clock.GetElapsedTime(start)), clock.GetUtcNow(), _countedSince.Value);
        });
    }

    private MetricsPage Measure(TimeSpan loopWait) => new()
    {
        Clients = _counts,
        Accepted = loop.Accepted,
        Held = loop.ClientCount,
        HandingOff = services.Values.Sum(static service => service.Load.PostQueue),
        UnderStress = services.Values.Any(static service => service.Load.UnderStress),
        Allowlists = [.. allowlists.Select(static map => (map.Key, map.Value.Count))],
        Lists = [.. loop.Dnsbl?.Lists.Select(list => new MeasuredList(ListName.ToShow(list.List, new WarningLog(log, tag)), list.Counts, list.State, list.Resolver, list.Trouble)) ?? []],
        Lanes = [.. services.Values.Where(static service => service.Settings.Lanes is not null).Select(static service => service.Load.Lanes)],
        Relays = [.. services.Values.SelectMany(static service => (RelayPool?[])[service.Relay, service.LiveTarget]).OfType<RelayPool>().Distinct()
            .SelectMany(static pool => pool.Servers).GroupBy(static server => server.Target.Name)
            .Select(static same => (same.Key, same.Sum(static server => server.Sessions), same.Sum(static server => server.AuthFailures), !same.Any(static server => server.IsOut)))],
        EventsLost = _events?.Lost ?? 0,
        LoopWait = loopWait,
        Rounds = loop.RoundTimes,
        Started = _started,
    };
}

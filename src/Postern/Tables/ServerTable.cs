using System.Diagnostics;
using Postern.Core;
using Postern.Core.Tables;
using Postern.Native;

namespace Postern.Tables;

/// <summary>
/// A table that a server has: <c>tcp:</c> and <c>socketmap:</c>. Whoever asks waits for the server, so the loop does not ask.
/// Each look-up has a connection for itself, and leaves it for the next one.
/// </summary>
internal sealed class ServerTable : ILiveTable
{
    // For `postern check`: one question at the start, and a few about the addresses of made-up clients.
    private static readonly LookupLimits TrialLimits = new(Tries: 1, Pause: TimeSpan.Zero, Silence: TimeSpan.FromSeconds(2), Total: TimeSpan.FromSeconds(2));
    private const string TrialKey = "192.0.2.1"; // of a network for documentation (RFC 5737)
    private const int MaxTrials = 20;

    private readonly TableServer _server;
    private readonly ITableProtocol _protocol;
    private readonly ServerPatience? _patience; // null: it is a trial
    private readonly TrialWarnings _saidAtTrial = new();
    private int _trials;

    /// <param name="patience">Null: the server is asked now, once and with a short limit.</param>
    public ServerTable(string name, TableServer server, ITableProtocol protocol, ServerPatience? patience)
    {
        (Name, _server, _protocol, _patience) = (name, server, protocol, patience);
        if (patience is not null)
            return;
        if (LookUp(TrialKey, _saidAtTrial).Status is LookupStatus.Error)
            OpenError = $"{name}: {_saidAtTrial.Texts.FirstOrDefault() ?? $"its server cannot tell whether it has \"{TrialKey}\""}";
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public LookupWait Wait => LookupWait.Answer;

    /// <inheritdoc />
    public string? OpenError { get; }

    /// <inheritdoc />
    public string? OpenRemedy => $"start the server at {_server.Name}, see what it says to postmap -q {TrialKey} {Name}, or name another table";

    /// <summary>Makes <c>tcp:</c> tables.</summary>
    /// <param name="isTrial">Whether the server is asked now, once and with a short limit.</param>
    public static TableParser TcpParser(bool isTrial) => (TableSource source, IWarningSink _, out string? problem) =>
        TableServer.AtHost(source.Argument, out problem) is { } server ? Make(source.Name, server, new TcpProtocol(), isTrial) : null;

    /// <summary>Makes <c>socketmap:</c> tables.</summary>
    /// <param name="folder">Where relative paths begin: <c>queue_directory</c>.</param>
    /// <param name="isTrial">Whether the server is asked now, once and with a short limit.</param>
    public static TableParser SocketmapParser(string folder, bool isTrial) => (TableSource source, IWarningSink _, out string? problem) =>
    {
        var server = FindServer(source.Argument, folder, out var map, out problem);
        return server is null ? null : Make(source.Name, server, new NetstringProtocol(source.Name, map), isTrial);
    };

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        if (_patience is not null)
            return LookUp(key, warnings);
        if (OpenError is not null)
        {
            _saidAtTrial.Texts.ForEach(warnings.Warn);
            return LookupResult.Error;
        }

        return _trials++ < MaxTrials ? LookUp(key, warnings) : LookupResult.NotFound;
    }

    /// <inheritdoc />
    public void Refresh(ITextFiles files, IWarningSink warnings)
    {
        // Each look-up asks for what the server has now.
    }

    private static ServerTable Make(string name, TableServer server, ITableProtocol protocol, bool isTrial) =>
        new(name, server, protocol, isTrial ? null : new ServerPatience(protocol.Limits, TimeProvider.System));

    private static TableServer? FindServer(string argument, string folder, out string map, out string? problem)
    {
        const string Inet = "inet:", Unix = "unix:";
        map = "";
        problem = "socketmap requires server:socketmap argument";
        if (argument.LastIndexOf(':') is not (> 0 and var colon))
            return null;
        (var service, map) = (argument[..colon], argument[(colon + 1)..]);
        if (service.StartsWith(Inet, StringComparison.Ordinal) && service.Length > Inet.Length)
            return TableServer.AtHost(service[Inet.Length..], out problem);
        if (service.StartsWith(Unix, StringComparison.Ordinal) && service.Length > Unix.Length)
            return TableServer.AtPath(Path.Combine(folder, service[Unix.Length..]), out problem);
        problem = service is "inet" or "unix" or Inet or Unix || !service.Contains(':')
            ? $"need service transport:endpoint instead of \"{service}\""
            : $"invalid transport name: {service[..service.IndexOf(':')]} in service: {service}";
        return null;
    }

    private LookupResult LookUp(string key, IWarningSink warnings)
    {
        var request = _protocol.Request(ListText.BeforeNul(key).ToString());
        var limits = _patience?.Begin() ?? TrialLimits;
        var end = Stopwatch.GetTimestamp() + (long)(limits.Total.TotalSeconds * Stopwatch.Frequency);
        for (var tries = 1; ; tries++)
        {
            if (Ask(request, limits.Silence, end, warnings, out var trouble, out var reason) is { } reply)
            {
                _patience?.OnAnswer();
                return _protocol.Parse(reply, _server.Name, warnings);
            }

            var isLast = tries >= limits.Tries || !_protocol.RetriesAfter(trouble)
                || Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), end) <= limits.Pause;
            _protocol.Warn(trouble, _server.Name, reason, isLast, warnings);
            if (isLast)
                return LookupResult.Error;
            Thread.Sleep(limits.Pause);
        }
    }

    /// <returns>The reply; null: <paramref name="trouble"/> and <paramref name="reason"/> say why there is none.</returns>
    private string? Ask(byte[] request, TimeSpan silence, long end, IWarningSink warnings, out ServerTrouble trouble, out string reason)
    {
        while (_server.TakeIdle() is { } used)
        {
            (used.Patience, used.End) = (silence, end);
            if (Exchange(used, request, out trouble, out reason) is { } answer)
                return answer;
            if (trouble is not ServerTrouble.Disconnect)
                return null;
        }

        if (_server.Connect(silence, end, warnings, out var error) is { } socket)
            return Exchange(socket, request, out trouble, out reason);
        (trouble, reason) = (ServerTrouble.NoConnection, Errno.Text(error));
        return null;
    }

    private string? Exchange(PatientSocket socket, byte[] request, out ServerTrouble trouble, out string reason)
    {
        var buffer = new byte[512];
        var held = 0;
        (trouble, reason) = (ServerTrouble.Disconnect, "the server has closed the connection");
        var error = socket.Send(request);
        while (error == 0)
        {
            error = socket.Receive(buffer.AsSpan(held), out var count);
            if (error != 0 || count == 0)
                break;
            held += count;
            if (_protocol.TryRead(buffer.AsSpan(0, held), out var reply, out var length, out var problem))
            {
                if (held == length)
                    _server.GiveBack(socket);
                else
                    socket.Dispose(); // nobody knows what the rest is
                return reply;
            }

            if (problem is not null || held > _protocol.MaxReply)
            {
                (trouble, reason) = (ServerTrouble.BadForm, problem ?? "the reply is too long");
                break;
            }

            if (held == buffer.Length)
                Array.Resize(ref buffer, 2 * held);
        }

        if (error != 0)
            (trouble, reason) = (error == Errno.ETIMEDOUT ? ServerTrouble.Silence : ServerTrouble.Disconnect, Errno.Text(error));
        socket.Dispose();
        return null;
    }

    private sealed class TrialWarnings : IWarningSink
    {
        public List<string> Texts { get; } = [];

        public void Warn(string text) => Texts.Add(text);
    }
}

using System.Text;

namespace Postern.Core.Reporting;

/// <summary>
/// Reads mail logs line by line, postscreen's or Postern's and smtpd's behind it, and counts what became of each connection.
/// The lines of several services, processes and machines may be mixed, out of order by up to two seconds, and there twice.
/// </summary>
public sealed class ReportBuilder
{
    private const int MaxHosts = 1000; // further ones count as one
    private const int MaxExample = 200; // bytes of a line that is shown

    private readonly MailLogReader _reader;
    private readonly DateTime _since, _until;
    private readonly ScreeningTally _screening = new();
    private readonly ServerTally _server = new();
    private readonly Dictionary<ulong, HostLog> _hosts = [];
    private HostLog? _host; // that of the line before
    private ulong _hostName;
    private long _read, _unreadable, _unreadableScreening;
    private int _unfinished;
    private string? _unreadableExample, _screeningExample;

    /// <param name="clock">What time stamps leave out.</param>
    /// <param name="since">What is older does not count.</param>
    /// <param name="until">Nor what is not older than that.</param>
    public ReportBuilder(LogClock clock, DateTime? since = null, DateTime? until = null) =>
        (_reader, _since, _until) = (new MailLogReader(clock), since ?? DateTime.MinValue, until ?? DateTime.MaxValue);

    /// <inheritdoc cref="ReportBuilder(LogClock, DateTime?, DateTime?)" />
    /// <param name="today">For time stamps without a year: they are not in the future.</param>
    public ReportBuilder(DateTime today)
        : this(new LogClock(today))
    {
    }

    /// <summary>Counts one line.</summary>
    /// <param name="line">Without its line end.</param>
    /// <returns>Its time; null: none was read.</returns>
    public DateTime? Add(ReadOnlySpan<byte> line)
    {
        _read++;
        switch (_reader.Read(line, out var parsed))
        {
            case LogLineKind.Other:
                NoteUnreadable(line);
                return null;
            case LogLineKind.Part:
                return null;
        }

        Take(parsed);
        return parsed.Time;
    }

    /// <summary>The counts; no line can be added any more.</summary>
    public Report Build()
    {
        if (_reader.End(out var last) is LogLineKind.MailLog)
            Take(last);
        foreach (var host in _hosts.Values)
            _unfinished += host.Complete();
        _hosts.Clear();
        _host = null;
        return _server.AddTo(_screening.Build()) with
        {
            Lines = (_read, _unreadable),
            UnreadableExample = _unreadableExample,
            UnreadableScreening = _screeningExample is { } example ? (_unreadableScreening, example) : null,
            Unfinished = _unfinished,
        };
    }

    private void Take(in MailLogLine line)
    {
        if (line.Time >= _since && line.Time < _until)
            HostOf(line).Add(line);
    }

    private HostLog HostOf(in MailLogLine line)
    {
        var name = Fingerprint.Of(line.Host);
        if (_host is not null && name == _hostName)
            return _host;
        _hostName = name; // as it is written, so that the next line of its is known by it
        if (LogLineForms.IsLevel(line.Host) || (_hosts.Count >= MaxHosts && !_hosts.ContainsKey(name)))
            name = Fingerprint.Of([]); // a level is nobody's name
        if (!_hosts.TryGetValue(name, out _host))
            _hosts[name] = _host = new HostLog(_screening, _server);
        return _host;
    }

    private void NoteUnreadable(ReadOnlySpan<byte> line)
    {
        _unreadable++;
        var isScreening = line.IndexOf("postscreen["u8) >= 0 || line.IndexOf("/postern["u8) >= 0;
        _unreadableScreening += isScreening ? 1 : 0;
        ref var example = ref isScreening ? ref _screeningExample : ref _unreadableExample;
        example ??= Encoding.UTF8.GetString(line[..Math.Min(line.Length, MaxExample)]);
    }
}

using System.Globalization;
using System.Text;
using Postern.Core.Reporting;
using Postern.Native;

namespace Postern.Reports;

/// <summary>One of several logs that are read as one.</summary>
/// <param name="path">Plain or gzip; <c>-</c>: standard input.</param>
/// <param name="isNamed">Whether somebody has named it, who may also name a pipe.</param>
/// <param name="clock">What stamps leave out.</param>
internal sealed class LogSource(string path, bool isNamed, LogClock clock) : IDisposable
{
    private const int PeekLength = 64 * 1024; // bytes in which a first stamp is looked for
    private static readonly TimeSpan SetBack = TimeSpan.FromSeconds(60);

    private LogLines? _lines;
    private MailLogReader _reader = new(clock);
    private bool _isAhead; // a line was read and not taken

    // Where it is: the latest time; whether the clock was set back since; the time of the line; how many of that time were taken before.
    private DateTime _latest, _time;
    private bool _isSetBack;
    private long _taken;

    /// <summary>Its name.</summary>
    public string Path { get; } = path;

    /// <summary>The time of the first line that tells one.</summary>
    public DateTime First { get; private set; }

    /// <summary>What is wrong with it; null: nothing so far.</summary>
    public string? Problem { get; private set; }

    /// <summary>There are no more lines.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Bytes that are done.</summary>
    public long Count { get; private set; }

    /// <summary>Opens it, if it is not open.</summary>
    public void Open()
    {
        if (_lines is not null || IsOver)
            return;
        try
        {
            _lines = new LogLines(LogFiles.Open(Path, isNamed));
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            (Problem, IsOver) = (Errno.ReasonOf(reason), true);
        }
    }

    /// <summary>Looks for the first stamp, and closes it again until its time has come. A pipe stays open.</summary>
    public void Peek()
    {
        Open();
        if (_lines is null)
            return;
        var start = _lines.Peek(PeekLength);
        foreach (var range in start.Split((byte)'\n'))
        {
            if (TimeOf(start[range]) is not { } time)
                continue;
            First = time;
            break;
        }

        _reader = new MailLogReader(clock);
        if (!_lines.CanReopen)
            return;
        _lines.Dispose();
        _lines = null;
    }

    /// <summary>Gives lines until one of this time, inclusive.</summary>
    /// <returns>The time of the last one that told any; null: none did.</returns>
    public DateTime? TakeUntil(DateTime end, TimedLineTaker take, Action tell)
    {
        DateTime? last = null;
        if (_isAhead)
            last = take(_lines!.Current);
        _isAhead = false;
        while (!IsOver && !(last >= end))
        {
            if (_lines is null || !_lines.TryRead(out var line))
            {
                Finish();
                break;
            }

            last = take(line) ?? last;
            tell();
            Count = _lines.Count;
        }

        return last;
    }

    /// <summary>Gives the line that was looked at.</summary>
    public DateTime? TakeOne(TimedLineTaker take)
    {
        if (!_isAhead)
            return null;
        var time = take(_lines!.Current);
        (_isAhead, _taken) = (false, _taken + 1);
        LookAhead();
        return time;
    }

    /// <summary>Reads the next line, to see when it is to be given.</summary>
    public void LookAhead()
    {
        if (_isAhead || IsOver)
            return;
        if (_lines is null || !_lines.TryRead(out var line))
        {
            Finish();
            return;
        }

        (_isAhead, Count) = (true, _lines.Count);
        if (TimeOf(line) is not { } time)
            return; // it belongs to the one before
        var (latest, wasSetBack) = (_latest, _isSetBack);
        _isSetBack = time < _latest && (_isSetBack || time < _latest - SetBack);
        if (time > _latest)
            _latest = time;
        if (_latest != latest || _isSetBack != wasSetBack || time != _time)
            _taken = 0;
        _time = time;
    }

    /// <summary>
    /// Whether its line is to be given before another's. Where a clock was set back its time goes by once more, after all that
    /// was before. Of lines of the same second each log gives one in its turn, so that two of the same content stay together.
    /// </summary>
    public bool IsBefore(LogSource other)
    {
        if (!other._isAhead || !_isAhead)
            return !_isAhead && other._isAhead; // its end has to be found
        if (_latest != other._latest)
            return _latest < other._latest;
        if (_isSetBack != other._isSetBack)
            return other._isSetBack;
        if (_isSetBack && _time != other._time)
            return _time < other._time;
        return _taken < other._taken;
    }

    /// <inheritdoc />
    public void Dispose() => _lines?.Dispose();

    private void Finish()
    {
        Problem ??= _lines?.Problem;
        Count = _lines?.Count ?? 0;
        IsOver = true;
    }

    // {"event":"client","schema":1,"time":"2026-11-24T02:00:00.000Z",…
    private DateTime? TimeOf(ReadOnlySpan<byte> line)
    {
        const int Length = 19;
        if (line.StartsWith("{\"event\":"u8))
        {
            return line.IndexOf("\"time\":\""u8) is > 0 and var start && start + 8 + Length < line.Length
                && DateTime.TryParse(Encoding.ASCII.GetString(line.Slice(start + 8, Length)), CultureInfo.InvariantCulture, out var connected) ? connected : null;
        }

        return _reader.Read(line, out var parsed) is LogLineKind.MailLog ? parsed.Time : null;
    }
}

using Postern.Core.Reporting;

namespace Postern.Reports;

/// <summary>Takes a line, without its line end, and says of what time it is; null: it does not tell.</summary>
internal delegate DateTime? TimedLineTaker(ReadOnlySpan<byte> line);

/// <summary>
/// Reads several logs as if they were one, in the order of time, whatever order they are named in. Lines of logs of the same
/// time are mixed as their stamps say, so that those which stand in two of them come close together. A log is opened when its
/// time has come, and most are read one after the other.
/// </summary>
/// <param name="clock">What stamps leave out.</param>
/// <param name="areNamed">Whether somebody has named them, who may also name a pipe; else they were found, in a folder that may be another's.</param>
internal sealed class MergedLogs(LogClock clock, bool areNamed)
{
    private const int ProgressStep = 1 << 15; // lines

    private readonly List<LogSource> _waiting = [];
    private readonly List<LogSource> _open = [];
    private long _done;
    private int _untold;

    /// <summary>Reads all lines of some logs.</summary>
    /// <param name="paths">Plain or gzip; <c>-</c>: standard input.</param>
    /// <param name="take">Takes the lines.</param>
    /// <param name="progress">Told now and then how many bytes are done.</param>
    /// <param name="complain">Told which log something is wrong with, and what; the others are read all the same.</param>
    public void Read(IReadOnlyList<string> paths, TimedLineTaker take, Action<long> progress, Action<string, string> complain)
    {
        foreach (var path in paths)
        {
            var source = new LogSource(path, areNamed, clock);
            if (paths.Count > 1)
                source.Peek();
            _waiting.Add(source);
        }

        // Those that tell no time come first; List.Sort would not keep the order of equal ones.
        var ordered = _waiting.OrderBy(static source => source.First).ToArray();
        _waiting.Clear();
        _waiting.AddRange(ordered);
        var last = DateTime.MinValue;
        while (_open.Count > 0 || _waiting.Count > 0)
        {
            while (_waiting.Count > 0 && (_open.Count == 0 || _waiting[0].First <= last))
                OpenNext();
            var time = _open.Count == 1
                ? _open[0].TakeUntil(_waiting.Count > 0 ? _waiting[0].First : DateTime.MaxValue, take, () => Tell(progress))
                : Earliest().TakeOne(take);
            if (time > last)
                last = time.Value;
            if (_open.Count > 1)
                Tell(progress);
            CloseEnded(complain);
        }

        progress(_done);
    }

    private void OpenNext()
    {
        var source = _waiting[0];
        _waiting.RemoveAt(0);
        source.Open();
        _open.Add(source);
        if (_open.Count > 1)
            _open.ForEach(static one => one.LookAhead());
    }

    private LogSource Earliest()
    {
        var earliest = _open[0];
        foreach (var source in _open)
        {
            if (source.IsBefore(earliest))
                earliest = source;
        }

        return earliest;
    }

    private void CloseEnded(Action<string, string> complain)
    {
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            var source = _open[i];
            if (!source.IsOver)
                continue;
            if (source.Problem is { } problem)
                complain(source.Path, problem);
            _done += source.Count;
            source.Dispose();
            _open.RemoveAt(i);
        }
    }

    private void Tell(Action<long> progress)
    {
        if (++_untold % ProgressStep == 0)
            progress(_done + _open.Sum(static source => source.Count));
    }
}

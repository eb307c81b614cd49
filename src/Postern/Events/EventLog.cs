using Postern.Core;
using Postern.Core.Screening;
using Postern.Logging;
using Postern.Native;

namespace Postern.Events;

/// <summary>
/// <c>postern_event_log</c>: one line of JSON for each client. The loop makes the text, which costs it less than to keep the client
/// for somebody else; a thread of its own writes the file. When that cannot keep up, events are lost and counted, and
/// nobody waits.
/// </summary>
internal sealed class EventLog : IDisposable
{
    private const int MostWaiting = 4 << 20; // bytes: some fifteen thousand events
    private const int UsualSize = 1 << 20; // bytes that a rush may bring within the pause
    private static readonly TimeSpan BatchPause = TimeSpan.FromMilliseconds(50); // what comes until then goes out in the same write: to wake the thread costs the loop as much as dozens of events
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LossReportInterval = TimeSpan.FromMinutes(1);

    private readonly ILogDestination _file;
    private readonly TimeProvider _clock;
    private readonly Action<string> _warn;
    private readonly Lock _filling = new(); // of _text
    private readonly AutoResetEvent _arrived = new(false);
    private readonly ManualResetEvent _stop = new(false);
    private readonly Thread _thread;
    private ByteBuffer _text = new(), _leaving = new();
    private long _lost;
    private bool _isReopenWanted;
    private long? _lossReportedAt;
    private long _unreportedLoss;

    /// <param name="file">Owned from now on.</param>
    /// <param name="clock">Tells when events were lost.</param>
    /// <param name="warn">Told what the administrator should know; on another thread.</param>
    public EventLog(ILogDestination file, TimeProvider clock, Action<string> warn)
    {
        (_file, _clock, _warn) = (file, clock, warn);
        _thread = new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = "event log" };
        _thread.Start();
    }

    /// <summary>Events that found no room, since the start.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Begins to write to a file, once it can be opened. Until then <see cref="Reopen"/> warns.</summary>
    /// <param name="keeper">To whom the file is given that root opens; null: to nobody.</param>
    public static EventLog Open(string path, FileKeeper? keeper, TimeProvider clock, Action<string> warn)
    {
        const uint OwnerOnly = 0b110_000_000; // it names senders and recipients
        return new EventLog(FileDestination.OpenFor("postern_event_log", path, OwnerOnly, clock, keeper), clock, warn);
    }

    /// <summary>Takes clients that have left. Never waits.</summary>
    /// <param name="sessions">With facts; nobody changes them any more.</param>
    public void Add(ReadOnlySpan<Session> sessions)
    {
        lock (_filling)
        {
            var (wasEmpty, whole) = (_text.Length == 0, _text.Length);
            try
            {
                foreach (var session in sessions)
                {
                    if (whole >= MostWaiting)
                    {
                        Interlocked.Increment(ref _lost);
                        continue;
                    }

                    ClientEvent.Write(session, _text);
                    whole = _text.Append((byte)'\n').Length;
                }
            }
            finally
            {
                _text.Truncate(whole); // half an event, where a bug was met, would spoil the next one
                if (wasEmpty)
                    _arrived.Set();
            }
        }
    }

    /// <summary>After the file was rotated, or with the rights of another user.</summary>
    public void Reopen()
    {
        Volatile.Write(ref _isReopenWanted, true);
        _arrived.Set();
    }

    /// <summary>Writes what waits, and closes the file.</summary>
    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _file.Dispose();
        _arrived.Dispose();
        _stop.Dispose();
    }

    private void Run()
    {
        WaitHandle[] events = [_arrived, _stop];
        while (WaitHandle.WaitAny(events) == 0)
        {
            _stop.WaitOne(BatchPause);
            WriteWaiting();
        }

        WriteWaiting();
    }

    private void WriteWaiting()
    {
        if (_isReopenWanted)
        {
            Volatile.Write(ref _isReopenWanted, false);
            _file.Reopen();
            TellTrouble();
        }

        string? warning;
        lock (_filling)
        {
            warning = TellLoss();
            (_text, _leaving) = (_leaving, _text);
        }

        if (warning is not null)
            _warn(warning);
        Flush(_leaving.Written);
        if (_leaving.Length > UsualSize)
            _leaving = new(); // after a rush, or a disk that was full, the memory is given back
        else
            _leaving.Truncate(0);
    }

    /// <returns>What the administrator should know; null: nothing.</returns>
    private string? TellLoss()
    {
        var lost = Lost;
        if (lost == _unreportedLoss)
            return null;
        ClientEvent.WriteLoss(lost - _unreportedLoss, _clock.GetUtcNow(), _text);
        _text.Append((byte)'\n');
        _unreportedLoss = lost;
        if (_lossReportedAt is { } before && _clock.GetElapsedTime(before) < LossReportInterval)
            return null;
        _lossReportedAt = _clock.GetTimestamp();
        return $"postern_event_log: {lost} events were lost since the start: the file cannot be written as fast as clients come";
    }

    /// <summary>Writes what there is. What a full disk does not take is tried again, so that no line is torn; until then the queue fills.</summary>
    private void Flush(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            text = text[_file.Write(text)..];
            TellTrouble();
            if (!text.IsEmpty && _stop.WaitOne(RetryPause))
                break;
        }
    }

    private void TellTrouble()
    {
        if (_file.TakeWarning() is { } warning)
            _warn(warning);
    }
}

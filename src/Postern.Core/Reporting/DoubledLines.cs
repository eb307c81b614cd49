using System.Runtime.InteropServices;

namespace Postern.Core.Reporting;

/// <summary>
/// Takes out lines that stand in a log more than once: two rules of syslogd, or a journal and a file read together. Equal lines may
/// also be right, such as two clients that smtpd rejects within a second; so they are only taken out while connections are
/// seen to be logged more than once, which cannot be right.
/// </summary>
internal sealed class DoubledLines
{
    private readonly Dictionary<ulong, int> _seen = [];
    private readonly Queue<(ulong Line, long Due)> _old = new();

    /// <summary>Whether a line is a copy of one that came before.</summary>
    /// <param name="line">The line.</param>
    /// <param name="time">Its time.</param>
    /// <param name="copies">How often each line stands in the log.</param>
    public bool IsCopy(in MailLogLine line, long time, int copies)
    {
        var key = Fingerprint.Of(line.Text, (ulong)line.Time.Ticks ^ line.ProcessId);
        ref var seen = ref CollectionsMarshal.GetValueRefOrAddDefault(_seen, key, out var exists);
        if (!exists)
            _old.Enqueue((key, time + HostLog.Disorder));
        return seen++ % copies != 0;
    }

    /// <summary>Forgets lines that are too old for copies to come.</summary>
    public void Expire(long now)
    {
        while (_old.TryPeek(out var old) && old.Due < now)
            _seen.Remove(_old.Dequeue().Line);
    }
}

namespace Postern.Logging;

/// <summary>
/// <c>maillog_file</c> beside a running Postfix: a few lines go to postlogd(8), which keeps their order among the lines of
/// smtpd(8) and the rest; many lines at once are appended to the file, at a fiftieth of the cost (ADR 3). The file also takes what
/// postlogd does not: when Postfix is down, or postlogd stands still.
/// </summary>
/// <param name="postlog">Owned from now on, like <paramref name="file"/>, which is the one that postlogd writes.</param>
internal sealed class PostlogDestination(DatagramDestination postlog, FileDestination file) : ILogDestination
{
    private const int FewLines = 1024; // bytes: what clients cause who come one after the other
    private bool _standsStill; // postlogd does not read what it has
    private bool _midLine; // the file has the first part of what comes next

    /// <inheritdoc />
    public bool IsSyslog => false;

    /// <inheritdoc />
    public int Write(ReadOnlySpan<byte> lines)
    {
        var taken = 0;
        _standsStill &= postlog.HasUnread;
        if (!_standsStill && !_midLine)
        {
            if (lines.Length > FewLines && postlog.HasUnread)
                return 0; // ours would come before what we said earlier
            if (lines.Length <= FewLines)
                taken = postlog.Write(lines);
            if (taken == lines.Length || postlog.HasUnread)
                return taken;
        }

        var written = file.Write(lines[taken..]);
        _midLine = taken + written < lines.Length;
        return taken + written;
    }

    /// <inheritdoc />
    public bool WaitForRoom(int milliseconds)
    {
        if (!postlog.HasUnread)
            return file.WaitForRoom(milliseconds);
        for (; milliseconds > 0 && postlog.HasUnread; milliseconds--)
            Thread.Sleep(1);
        _standsStill = postlog.HasUnread;
        return true;
    }

    /// <inheritdoc />
    public void Reopen()
    {
        postlog.Reopen();
        file.Reopen();
    }

    /// <inheritdoc />
    public string? TakeWarning()
    {
        _ = postlog.TakeWarning(); // Postfix may be down, and nothing is lost
        return file.TakeWarning();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        postlog.Dispose();
        file.Dispose();
    }
}

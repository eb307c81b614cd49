namespace Postern.Logging;

/// <summary>
/// Where batches of lines end up. Used under the lock of <see cref="MailLog"/>; a failure is never an exception, because
/// mail must go on when the log cannot.
/// </summary>
internal interface ILogDestination : IDisposable
{
    /// <summary>Lines begin with <c>&lt;PRIORITY&gt;</c> and name no host, as a local syslog daemon wants them.</summary>
    bool IsSyslog { get; }

    /// <summary>Writes what can be written without waiting.</summary>
    /// <param name="lines">Lines that end in LF; the first may be the rest of one that was written in part.</param>
    /// <returns>The number of bytes that need not be offered again.</returns>
    int Write(ReadOnlySpan<byte> lines);

    /// <summary>After a short write, waits until a reader has made room.</summary>
    /// <returns>False when it has not, or when waiting is of no use (a full disk, nobody there).</returns>
    bool WaitForRoom(int milliseconds);

    /// <summary>Begins anew: opens the file of that name, connects again.</summary>
    void Reopen();

    /// <summary>What went wrong since the last call, once for each trouble; null = nothing new.</summary>
    string? TakeWarning();
}

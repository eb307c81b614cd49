using System.Diagnostics.CodeAnalysis;
using Postern.Native;
using Postern.ProcessLife;

namespace Postern.Logging;

/// <summary>
/// Chooses the destination: standard output if told so, postlogd(8), <c>maillog_file</c>, syslog, else standard output.
/// </summary>
internal static class LogDestinations
{
    private const string StandardOutputName = "/dev/stdout";

    /// <param name="problem">In the administrator's words: a fatal error, or why lines have to wait for the disk.</param>
    public static bool TryOpen(
        LogOptions options,
        TimeProvider time,
        [NotNullWhen(true)] out ILogDestination? destination,
        [NotNullWhen(false)] out string? problem)
    {
        (destination, problem) = (null, null);
        if (options.ToStandardOutput)
        {
            destination = new StandardOutputDestination();
            return true;
        }

        if (options.PostlogSocket.Length > 0)
        {
            destination = new DatagramDestination(options.PostlogSocket, isSyslog: false, time);
            return true;
        }

        if (options.MaillogFile.Length == 0)
        {
            destination = IsSocket(options.SyslogSocket)
                ? new DatagramDestination(options.SyslogSocket, isSyslog: true, time)
                : new StandardOutputDestination();
            return true;
        }

        if (options.MaillogFile == StandardOutputName)
            destination = new StandardOutputDestination();
        else if (FileDestination.TryOpen("maillog_file", options.MaillogFile, options.MaillogFileMode, time, Privileges.KeeperOf(options.MailOwner), out var file, out problem))
            destination = file;
        return destination is not null;
    }

    private static unsafe bool IsSocket(string path)
    {
        FileStatus status;
        return Libc.statx(Libc.AT_FDCWD, path, 0, Libc.STATX_BASIC_STATS, &status) == 0
            && (status.Mode & Libc.S_IFMT) == Libc.S_IFSOCK;
    }
}

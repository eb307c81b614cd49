using System.Runtime.InteropServices;

namespace Postern.Native;

/// <summary>Error numbers of Linux (the same on x64 and arm64) and their text.</summary>
internal static class Errno
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int EINTR = 4;
    public const int EIO = 5;
    public const int ENXIO = 6;
    public const int EBADF = 9;
    public const int EAGAIN = 11;
    public const int ENOMEM = 12;
    public const int EACCES = 13;
    public const int EEXIST = 17;
    public const int ENOTDIR = 20;
    public const int EINVAL = 22;
    public const int ENFILE = 23;
    public const int EMFILE = 24;
    public const int EFBIG = 27;
    public const int ENOSPC = 28;
    public const int EROFS = 30;
    public const int EPIPE = 32;
    public const int ERANGE = 34;
    public const int ELOOP = 40;
    public const int EMSGSIZE = 90;
    public const int EPROTOTYPE = 91;
    public const int EADDRINUSE = 98;
    public const int EADDRNOTAVAIL = 99;
    public const int ENETUNREACH = 101;
    public const int ECONNABORTED = 103;
    public const int ECONNRESET = 104;
    public const int ENOBUFS = 105;
    public const int EISCONN = 106;
    public const int ENOTCONN = 107;
    public const int ETIMEDOUT = 110;
    public const int ECONNREFUSED = 111;
    public const int EHOSTUNREACH = 113;
    public const int EALREADY = 114;
    public const int EINPROGRESS = 115;
    public const int EDQUOT = 122;

    /// <summary>The error of the last call of <see cref="Libc"/> that failed on this thread.</summary>
    public static int Last => Marshal.GetLastPInvokeError();

    /// <summary>The C library's words for an error, as Postfix logs them: "Connection refused".</summary>
    public static string Text(int error) => Marshal.GetPInvokeErrorMessage(error);

    /// <summary><see cref="Text"/> of <see cref="Last"/>.</summary>
    public static string LastText => Text(Last);

    /// <summary>Why a file operation of .NET's failed, in the system's words.</summary>
    public static string ReasonOf(Exception problem) => problem switch
    {
        UnauthorizedAccessException { InnerException: { } inner } => ReasonOf(inner),
        UnauthorizedAccessException => "Permission denied",
        FileNotFoundException or DirectoryNotFoundException => "No such file or directory",
        // On Unix the code is the plain errno; the runtime's own texts may be stripped from the executable.
        IOException { HResult: > 0 and < 4096 and var errno } => Text(errno),
        _ => problem.Message,
    };
}

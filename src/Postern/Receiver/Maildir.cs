using System.Globalization;
using System.Runtime.InteropServices;

namespace Postern.Receiver;

/// <summary>
/// A Maildir: a message is written to <c>tmp</c>, forced to disk, and only then appears in <c>new</c>, whole
/// (https://cr.yp.to/proto/maildir.html).
/// </summary>
internal sealed partial class Maildir
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>How long a file may lie in <c>tmp</c> before nobody can be at it any more, as maildir(5) says.</summary>
    private static readonly TimeSpan LongestDelivery = TimeSpan.FromHours(36);

    private readonly string _path;
    private readonly string _host;
    private readonly TimeProvider _clock;

    private Maildir(string path, string hostName, TimeProvider clock)
    {
        _path = path;
        _host = hostName.Replace("/", "\\057", StringComparison.Ordinal).Replace(":", "\\072", StringComparison.Ordinal);
        _clock = clock;
    }

    /// <summary>Opens the Maildir, making what is missing of it.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be made.</exception>
    public static Maildir Open(string path, string hostName, TimeProvider clock)
    {
        foreach (var folder in (ReadOnlySpan<string>)[path, Path.Combine(path, "tmp"), Path.Combine(path, "new"), Path.Combine(path, "cur")])
        {
            if (OperatingSystem.IsLinux()) // always; the compiler wants to know that modes mean something
                Directory.CreateDirectory(folder, OwnerOnly);
        }

        return new Maildir(path, hostName, clock);
    }

    /// <summary>Starts a file in <c>tmp</c>.</summary>
    /// <param name="queueId">Makes the name unique within this process.</param>
    /// <exception cref="IOException">Disk full, no permission …</exception>
    /// <exception cref="UnauthorizedAccessException">No permission.</exception>
    public MaildirMessage Create(string queueId)
    {
        var now = _clock.GetUtcNow();
        var name = string.Create(CultureInfo.InvariantCulture,
            $"{now.ToUnixTimeSeconds()}.M{now.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond}P{Environment.ProcessId}Q{queueId}.{_host}");
        return new MaildirMessage(Path.Combine(_path, "tmp", name), Path.Combine(_path, "new", name));
    }

    /// <summary>Removes what deliveries that never ended have left in <c>tmp</c>, as when the process was killed.</summary>
    /// <returns>How many files.</returns>
    public int RemoveLeftovers()
    {
        var removed = 0;
        var latest = _clock.GetUtcNow().UtcDateTime - LongestDelivery;
        try
        {
            foreach (var file in new DirectoryInfo(Path.Combine(_path, "tmp")).EnumerateFiles())
            {
                if (file.LastWriteTimeUtc >= latest)
                    continue;
                try
                {
                    file.Delete();
                    removed++;
                }
                catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
                {
                    // somebody else's, or gone already: it is in nobody's way
                }
            }
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            // the next delivery will say so
        }

        return removed;
    }

    /// <summary>Forces a directory to disk, so that a renamed file is found under its new name after a power cut.</summary>
    /// <exception cref="IOException">It could not be done: nothing may be promised.</exception>
    public static void Flush(string directory)
    {
        var descriptor = OpenDirectory(directory, OpenReadOnlyDirectory);
        if (descriptor < 0)
            throw LastProblem();
        try
        {
            if (Synchronize(descriptor) != 0)
                throw LastProblem();
        }
        finally
        {
            _ = CloseDescriptor(descriptor);
        }
    }

    private const int OpenReadOnlyDirectory = 0x8_0000; // O_RDONLY | O_CLOEXEC

    private static IOException LastProblem()
    {
        var errno = Marshal.GetLastPInvokeError();
        return new IOException(Marshal.GetPInvokeErrorMessage(errno), errno);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDirectory(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Synchronize(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseDescriptor(int descriptor);
}

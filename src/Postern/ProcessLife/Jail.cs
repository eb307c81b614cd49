using System.Security.Cryptography;
using Postern.Native;

namespace Postern.ProcessLife;

/// <summary>
/// The chroot of a line with <c>y</c> in master.cf's fifth field. A thread that keeps files elsewhere stays outside: on
/// Linux root and working directory belong to threads, which share them unless they say otherwise.
/// </summary>
/// <param name="directory"><c>queue_directory</c>.</param>
internal sealed class Jail(string directory) : IDisposable
{
    private readonly SemaphoreSlim _left = new(0);
    private readonly ManualResetEventSlim _decided = new();
    private bool _isEntered;
    private string? _problem;

    /// <summary>The root of the jail.</summary>
    public string Directory => directory;

    /// <summary>Why a thread could not stay outside; null: none or all could.</summary>
    public string? Problem => Volatile.Read(ref _problem);

    /// <summary>First thing on a thread that stays outside: waits until the others are in and have lost their privileges.</summary>
    /// <returns>False when nothing came of it, and the thread should end.</returns>
    public bool StayOutside()
    {
        if (Libc.unshare(Libc.CLONE_FS) != 0)
            Volatile.Write(ref _problem, "unshare: " + Errno.LastText);
        _left.Release();
        _decided.Wait();
        return _isEntered;
    }

    /// <summary>Waits until a thread that was just started is outside for good.</summary>
    public void WaitForThread() => _left.Wait();

    /// <summary>Loads what the runtime loads or reads at first use: in the jail there are no libraries and no time zones.</summary>
    public static void WarmUp()
    {
        _ = TimeZoneInfo.Local.GetUtcOffset(DateTime.UtcNow);
        _ = RandomNumberGenerator.GetInt32(2); // libssl and libcrypto
        if (Environment.GetEnvironmentVariable("HOME") is not { Length: > 0 })
            Environment.SetEnvironmentVariable("HOME", "/"); // whoever judges a certificate looks there, too, and fails when there is no such place
    }

    /// <summary>The process is inside, as the user it stays: those outside may go to work.</summary>
    public void Entered()
    {
        _isEntered = true;
        _decided.Set();
    }

    /// <summary>Sends threads that still wait home.</summary>
    public void Dispose() => _decided.Set();
}

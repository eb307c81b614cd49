namespace Postern.Native;

/// <summary>Why a file cannot be opened.</summary>
/// <param name="Error">As in errno(3); EPERM when <see cref="SafeFile"/> does not want to.</param>
/// <param name="Text">Such as "Permission denied".</param>
internal sealed record OpenProblem(int Error, string Text)
{
    /// <summary>The call of <see cref="Libc"/> that has just failed on this thread.</summary>
    public static OpenProblem OfSystem() => new(Errno.Last, Errno.LastText);

    /// <summary>It could be opened, and should not be.</summary>
    public static OpenProblem Refused(string why) => new(Errno.EPERM, why);

    /// <summary>Whether the disk is the reason, so that it may come right without anybody's changing the configuration.</summary>
    public bool IsOfDisk => Error is Errno.EROFS or Errno.ENOSPC or Errno.EDQUOT or Errno.EIO;
}

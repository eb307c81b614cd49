using Postern.Native;
using Postern.ProcessLife;

namespace Postern.Storage;

/// <summary>The directory for what the daemon keeps (<c>data_directory</c>).</summary>
internal static class DataDirectory
{
    /// <summary>Makes the directory if it is missing, with mode 0700; started as root, for the user that the daemon becomes.</summary>
    /// <param name="path"><c>data_directory</c>.</param>
    /// <param name="mailOwner"><c>mail_owner</c>.</param>
    /// <param name="problem">On failure, for the administrator.</param>
    public static bool TryPrepare(string path, string mailOwner, out string? problem)
    {
        problem = null;
        if (Directory.Exists(path))
            return true;
        try
        {
            Directory.CreateDirectory(path);
            _ = Libc.chmod(path, 0b111_000_000);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"cannot make data_directory {path}: {e.Message}";
            return false;
        }

        if (Libc.geteuid() != 0)
            return true;
        if (Privileges.TryFindOwner(mailOwner, out var owner, out problem) && Libc.chown(path, owner.User, owner.Group) == 0)
            return true;
        problem ??= $"cannot give data_directory {path} to {mailOwner}: {Errno.LastText}";
        return false;
    }
}

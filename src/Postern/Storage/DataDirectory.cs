using Postern.Native;
using Postern.ProcessLife;

namespace Postern.Storage;

/// <summary>The directory for what the daemon keeps (<c>data_directory</c>).</summary>
internal static class DataDirectory
{
    /// <summary>Makes the directory if it is missing, with mode 0700; started as root, for the user that the daemon becomes.</summary>
    /// <param name="path"><c>data_directory</c>.</param>
    /// <param name="mailOwner"><c>mail_owner</c>.</param>
    /// <returns>What is wrong, for the administrator; null: it is there. Clients can be served without.</returns>
    public static string? Prepare(string path, string mailOwner) =>
        SafeFile.MakeFolder(path, Privileges.KeeperOf(mailOwner)) is { } problem ? $"cannot make data_directory {path}: {problem.Text}" : null;
}

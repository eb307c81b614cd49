using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Postern.Native;

namespace Postern.ProcessLife;

/// <summary>Gives up root for good once ports are bound and files are open.</summary>
internal static class Privileges
{
    /// <summary>
    /// Becomes <paramref name="mailOwner"/> with that user's groups, in every thread. When the process does not run as
    /// root there is nothing to give up, and it stays who it is.
    /// </summary>
    /// <param name="mailOwner">Parameter <c>mail_owner</c>.</param>
    /// <param name="jail">The directory that becomes the root directory on the way; null: none.</param>
    /// <param name="note">For the log, severity info; null = nothing to say.</param>
    /// <param name="problem">Why the process must not go on.</param>
    public static bool TryDrop(string mailOwner, string? jail, out string? note, [NotNullWhen(false)] out string? problem)
    {
        (note, problem) = (null, null);
        var current = Libc.geteuid();
        if (current != 0 && jail is not null)
        {
            problem = $"chroot {jail}: only root can do that";
            return false;
        }

        if (current != 0)
        {
            note = string.Create(
                CultureInfo.InvariantCulture, $"not started as root: running as user ID {current}, not as mail_owner {mailOwner}");
            return true;
        }

        if (!TryFindOwner(mailOwner, out var owner, out problem))
            return false;

        // Groups first: without root there is no way to change them.
        if (Libc.initgroups(owner.Name, owner.Group) != 0)
            problem = $"initgroups {owner.Name}: {Errno.LastText}";
        else if (Libc.setgid(owner.Group) != 0)
            problem = string.Create(CultureInfo.InvariantCulture, $"setgid {owner.Group}: {Errno.LastText}");
        else if (jail is not null && (Libc.chroot(jail) != 0 || Libc.chdir("/") != 0))
            problem = $"chroot {jail}: {Errno.LastText}";
        else if (Libc.setuid(owner.User) != 0)
            problem = string.Create(CultureInfo.InvariantCulture, $"setuid {owner.User}: {Errno.LastText}");
        else if (Libc.setuid(0) == 0 || Libc.setresuid(0, 0, 0) == 0 || Libc.setgid(0) == 0)
            problem = $"became user {owner.Name} but could become root again";
        else if (Libc.getuid() != owner.User || Libc.geteuid() != owner.User || Libc.getgid() != owner.Group)
            problem = $"did not become user {owner.Name}";
        return problem is null;
    }

    /// <summary>Checks <c>mail_owner</c> as Postfix does: known, and not root under another name.</summary>
    public static bool TryFindOwner(string mailOwner, out UserAccount owner, [NotNullWhen(false)] out string? problem)
    {
        if (!UserAccount.TryFind("mail_owner", mailOwner, out owner, out problem))
            return false;
        if (owner.User == 0)
            problem = $"parameter mail_owner: user {mailOwner} has privileged user ID";
        else if (owner.Group == 0)
            problem = $"parameter mail_owner: user {mailOwner} has privileged group ID";
        return problem is null;
    }

    /// <summary>For whom root opens files.</summary>
    /// <returns>Null: we are not root, or there is no such user, which ends the start soon.</returns>
    public static FileKeeper? KeeperOf(string mailOwner) =>
        Libc.geteuid() == 0 && TryFindOwner(mailOwner, out var owner, out _) ? new FileKeeper(owner.User, owner.Group) : null;
}

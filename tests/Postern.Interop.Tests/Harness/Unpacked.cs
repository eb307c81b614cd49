namespace Postern.Interop.Tests.Harness;

/// <summary>Mail servers whose packages cannot be installed beside Postfix: unpacked once into a directory, and run from there.</summary>
internal static class Unpacked
{
    /// <summary>By name: Debian's packages, with all the libraries that a host with Postfix may lack, or one of npm's (<c>NAME@VERSION</c>).</summary>
    public static readonly IReadOnlyDictionary<string, string[]> Packages = new Dictionary<string, string[]>
    {
        ["courier"] = ["courier-mta", "courier-base", "courier-authlib", "courier-authdaemon", "courier-authlib-userdb", "libcourier-unicode4", "libidn12", "libltdl7", "libpcre3", "libgdbm6"],
        ["dovecot"] = ["dovecot-core", "dovecot-submissiond", "libexttextcat-2.0-0", "liblua5.4-0", "libsodium23", "libstemmer0d", "libtirpc3", "libunwind8", "libwrap0", "libicu72"],
        ["exim"] = ["exim4-daemon-heavy", "libidn12", "libspf2-2", "libmariadb3", "mysql-common", "libpq5", "libldap-2.5-0", "libsasl2-2", "libdb5.3"],
        ["haraka"] = ["Haraka@3.3.4"],
        ["nginx"] = ["nginx", "nginx-common", "libnginx-mod-mail"],
        ["opensmtpd"] = ["opensmtpd"],
        ["sendmail"] = ["sendmail-bin", "sendmail-base", "sendmail-cf", "m4", "libsigsegv2", "libsasl2-2", "libldap-2.5-0", "liblockfile1", "libnsl2", "libwrap0", "libtirpc3", "libdb5.3"],
    };

    /// <summary>Debian packages; skips the test where they cannot be had.</summary>
    /// <returns>The directory that is their root.</returns>
    public static string Debian(string name)
    {
        var packages = Packages[name];
        Tool.RequireRoot();
        Tool.Require("apt-get", "dpkg", "unshare");
        return Once(name, folder =>
        {
            var (status, output) = Tool.Run("sh", ["-c", "mkdir -p \"$0\" && cd \"$0\" && apt-get -q download \"$@\"", folder + ".deb", .. packages]);
            Assert.SkipUnless(status == 0, $"needs Debian's packages {string.Join(' ', packages)}: {output}");
            foreach (var package in Directory.GetFiles(folder + ".deb", "*.deb"))
                Tool.Must("dpkg", "-x", package, folder);
            Directory.Delete(folder + ".deb", recursive: true);
        });
    }

    /// <summary>A package of npm's; skips the test where it cannot be had.</summary>
    /// <returns>The directory that has node_modules.</returns>
    public static string Npm(string name)
    {
        var package = Packages[name].Single();
        Tool.Require("npm", "node");
        return Once(name, folder =>
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "package.json"), "{\"private\":true}");
            var (status, output) = Tool.Run("npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--omit=optional", "--ignore-scripts", package);
            Assert.SkipUnless(status == 0, $"needs {package} from npm: {output}");
        });
    }

    private static string Once(string name, Action<string> fill)
    {
        var folder = Path.Combine(Path.GetTempPath(), "postern-interop-" + name);
        if (Directory.Exists(folder))
            return folder;
        var unfinished = Directory.CreateTempSubdirectory("postern-unpack-").FullName;
        fill(unfinished + "/root");
        Tool.Must("chmod", "0755", unfinished + "/root");
        Directory.Move(unfinished + "/root", folder);
        Directory.Delete(unfinished, recursive: true);
        return folder;
    }
}

using System.Diagnostics;
using System.Text;
using Postern.Lmdb;

namespace Postern.Tests.Lmdb;

/// <summary>A folder for LMDB files, and what Postfix's postmap says about them.</summary>
internal sealed class LmdbBench : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly List<LmdbFile> _opened = [];

    public LmdbBench()
    {
        Assert.SkipUnless(LmdbLibrary.IsInstalled, "needs liblmdb.so.0 (package liblmdb0)");
        Folder = Directory.CreateTempSubdirectory("postern-lmdb-").FullName;
        Path = Folder + "/t.lmdb";
        File.WriteAllText(Folder + "/main.cf", "compatibility_level = 3.6\n");
        File.WriteAllText(Folder + "/master.cf", "");
        if (File.Exists("/etc/postfix/dynamicmaps.cf"))
            File.Copy("/etc/postfix/dynamicmaps.cf", Folder + "/dynamicmaps.cf");
    }

    public string Folder { get; }

    public string Path { get; }

    public List<string> Notes { get; } = [];

    public LmdbFile Open(bool isReadOnly = false, long mapSize = 16 << 20)
    {
        Assert.Null(TryOpen(out var file, isReadOnly, mapSize));
        return file!;
    }

    public LmdbProblem? TryOpen(out LmdbFile? file, bool isReadOnly = false, long mapSize = 16 << 20)
    {
        var problem = LmdbFile.Open(Path, isReadOnly, mapSize, Patience, Notes.Add, out file);
        if (file is not null)
            _opened.Add(file);
        return problem;
    }

    public static void Put(LmdbFile file, string key, string value) =>
        Assert.Null(file.Write(Patience, change => change.Put(Encoding.ASCII.GetBytes(key), Encoding.ASCII.GetBytes(value))));

    public static string? Find(LmdbFile file, string key)
    {
        Assert.Null(file.Find(Encoding.ASCII.GetBytes(key), Patience, out var value));
        return value is null ? null : Encoding.ASCII.GetString(value);
    }

    public static List<string> Rows(LmdbFile file, int atOnce = 100)
    {
        var rows = new List<string>();
        byte[]? last = null;
        do
            Assert.Null(file.ReadPart(last, atOnce, Patience, (key, value) => rows.Add($"{Encoding.ASCII.GetString(key)}={Encoding.ASCII.GetString(value)}"), out last));
        while (last is not null);
        return rows;
    }

    /// <summary>Runs Postfix's postmap; skips the test where there is none that knows LMDB.</summary>
    public string Postmap(string input, params string[] arguments)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/postmap") && File.Exists("/usr/lib/postfix/postfix-lmdb.so"), "needs Postfix with LMDB (package postfix-lmdb)");
        var start = new ProcessStartInfo("/usr/sbin/postmap", ["-c", Folder, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(errors.Length == 0, errors);
        return output;
    }

    public void Dispose()
    {
        foreach (var file in _opened)
            file.Dispose();
        if (Folder is not null)
            Directory.Delete(Folder, recursive: true);
    }
}

using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Postern.Core;
using Postern.Loop;

namespace Postern.Tests;

/// <summary>The walls of ARCHITECTURE.md: a new arrow between folders, or state that everybody shares, fails here.</summary>
public sealed class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> CoreArrows = new()
    {
        ["Screening"] = ["Smtp", "Proxy", "Tables", "Allowlist", "Config", "Dnsbl", "Lanes", "Relay", "Reporting", "Spf", "Versions"],
        ["Relay"] = ["Smtp", "Config"],
        ["Config"] = ["Tables", "Dnsbl", "Lanes", "Spf", "Versions"],
        ["Dnsbl"] = ["Tables"],
        ["Lanes"] = ["Tables"],
        ["Smtp"] = [],
        ["Proxy"] = ["Config"],
        ["Tables"] = ["Versions"],
        ["Allowlist"] = [],
        ["Reporting"] = [],
        ["Replay"] = ["Allowlist", "Config", "Dnsbl", "Lanes", "Relay", "Reporting", "Screening", "Spf"],
        ["Rehearsal"] = [],
        ["Spf"] = ["Tables"],
        ["Versions"] = [],
        ["Checks"] = ["Config", "Lanes", "Screening", "Tables"],
    };

    // Who may use the loop: the composition. And what nobody but the composition and the loop may use.
    private static readonly Dictionary<string, string[]> DaemonArrows = new()
    {
        ["Loop"] = ["Dns", "Dnsbl", "Handoff", "Logging", "Metrics", "Native", "Relay", "Storage", "Tls"],
        ["Relay"] = ["Native", "Tls"],
        ["Dnsbl"] = ["Dns", "Logging", "Metrics", "Native"],
        ["Providers"] = ["Dns", "Logging"],
        ["Handoff"] = ["Native"],
        ["Receiver"] = ["Dns", "Handoff", "Native"],
        ["Dns"] = ["Native"],
        ["Storage"] = ["Lmdb", "Memcache", "Native", "ProcessLife"],
        ["Lmdb"] = ["Native"],
        ["Memcache"] = ["Native"],
        ["Tables"] = ["Lmdb", "Memcache", "Native"],
        ["Logging"] = ["Native", "ProcessLife"],
        ["ProcessLife"] = ["Native"],
        ["Native"] = [],
        ["Tls"] = ["Logging"],
        ["Master"] = ["Native"],
        ["Reports"] = ["Events", "Native"],
        ["Events"] = ["Logging", "Native"],
        ["Control"] = ["Native", "Storage"],
        ["Metrics"] = ["Events"],
        ["Rehearsal"] = ["Dns", "Dnsbl", "Events", "Handoff", "Logging", "Loop", "Native", "Receiver", "Reports", "Storage"], // a second composition
        ["Checks"] = ["Control", "Dns", "Dnsbl", "Memcache", "Native", "ProcessLife", "Relay", "Storage", "Tls"],
        ["Cli"] = ["Checks", "Control", "Dns", "Dnsbl", "Events", "Lmdb", "Logging", "Master", "Storage", "Native", "ProcessLife", "Providers", "Rehearsal", "Reports", "Tables", "Tls"],
    };

    [Fact]
    public void Folders_of_Core_use_only_those_they_may() => CheckArrows("Postern.Core", CoreArrows);

    [Fact]
    public void Folders_of_the_daemon_use_only_those_they_may() => CheckArrows("Postern", DaemonArrows);

    [Fact]
    public void The_folder_map_names_the_folders_that_exist()
    {
        var map = File.ReadAllText(Path.Combine(Root, "ARCHITECTURE.md"));

        foreach (var folder in CoreArrows.Keys.Concat(DaemonArrows.Keys))
            Assert.Contains($"  {folder}/ ", map, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(typeof(IpAddress))]
    [InlineData(typeof(EventLoop))]
    public void Nothing_that_can_change_is_static(Type inAssembly)
    {
        var changeable =
            from type in inAssembly.Assembly.GetTypes()
            where !type.IsDefined(typeof(CompilerGeneratedAttribute)) && !type.FullName!.Contains('<')
            from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            where !field.IsInitOnly && !field.IsLiteral && !field.Name.Contains('<')
            select $"{type.FullName}.{field.Name}";

        Assert.Empty(changeable);
    }

    private static string Root => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", ".."));

    private static string Here([CallerFilePath] string path = "") => path;

    private static void CheckArrows(string project, Dictionary<string, string[]> arrows)
    {
        var source = Path.Combine(Root, "src", project);
        var folders = Directory.GetDirectories(source).Select(Path.GetFileName).Where(f => f is not ("bin" or "obj")).ToList();
        Assert.Equal(arrows.Keys.Order(), folders.Order()!);

        foreach (var (folder, allowed) in arrows)
        {
            foreach (var file in Directory.GetFiles(Path.Combine(source, folder), "*.cs", SearchOption.AllDirectories))
            {
                var text = File.ReadAllText(file);
                foreach (var used in folders.Where(f => f != folder && Regex.IsMatch(text, $@"(?<!namespace )\b{Regex.Escape(project)}\.{f}\b")))
                    Assert.True(allowed.Contains(used), $"{Path.GetRelativePath(Root, file)} uses {project}.{used}");
            }
        }
    }
}

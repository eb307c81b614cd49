using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace Postern;

/// <summary>Which Postern this is, and what it runs on.</summary>
internal static class BuildInfo
{
    /// <summary>By semantic versioning, from the tags of git: <c>1.0.0</c>, or <c>1.0.1-alpha.0.7</c> seven commits after it.</summary>
    public static string Version { get; } = Informational.Split('+')[0];

    /// <summary>Of the source, abbreviated to twelve digits; <c>unknown</c> where it was no clone.</summary>
    public static string Commit { get; } = Informational.Split('+') is [_, { Length: >= 12 } commit] ? commit[..12] : "unknown";

    /// <summary>The day of the commit, <c>2026-11-29</c>; <c>unknown</c> where the source was no clone.</summary>
    public static string Date { get; } = typeof(BuildInfo).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .FirstOrDefault(static one => one.Key == "CommitDate")?.Value ?? "unknown";

    /// <summary>The .NET runtime, and whether it is part of the program.</summary>
    public static string Runtime => RuntimeInformation.FrameworkDescription + (RuntimeFeature.IsDynamicCodeSupported ? "" : ", native");

    private static string Informational => typeof(BuildInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>What <c>--version</c> prints: a line of what it is, one of what it uses, each with a line feed.</summary>
    public static string Describe() =>
        $"postern {Version} (commit {Commit}, {Date})\n{Runtime}; SQLite {SqliteVersion()}; {OpenSslVersion()}; Linux {Environment.OSVersion.Version} on {RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}\n";

    private static string SqliteVersion()
    {
        try
        {
            using var connection = new SqliteConnection("Data Source=:memory:");
            return connection.ServerVersion;
        }
        catch (Exception failure) when (failure is DllNotFoundException or TypeInitializationException)
        {
            return "is missing";
        }
    }

    private static string OpenSslVersion()
    {
        try
        {
            var version = OperatingSystem.IsLinux() ? SafeEvpPKeyHandle.OpenSslVersion : throw new PlatformNotSupportedException(); // 0xMNN00PP0 since version 3
            return $"OpenSSL {version >> 28}.{(version >> 20) & 0xff}.{(version >> 4) & 0xff}";
        }
        catch (Exception failure) when (failure is DllNotFoundException or TypeInitializationException or PlatformNotSupportedException)
        {
            return "OpenSSL is missing";
        }
    }
}

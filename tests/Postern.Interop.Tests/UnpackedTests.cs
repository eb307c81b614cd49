namespace Postern.Interop.Tests;

/// <summary>
/// The packages that are unpacked can be had. <c>./test</c> runs this first: what runs afterwards has a network namespace of its
/// own, from where no package can be fetched.
/// </summary>
[Collection(nameof(InteropCollection))]
public sealed class UnpackedTests
{
    public static TheoryData<string> Names => [.. Unpacked.Packages.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_packages_are_here(string name)
    {
        var folder = Unpacked.Packages[name] is [var package] && package.Contains('@', StringComparison.Ordinal) ? Unpacked.Npm(name) + "/node_modules" : Unpacked.Debian(name) + "/usr";

        Assert.NotEmpty(Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories));
    }
}
